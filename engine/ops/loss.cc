#include "engine/ops/loss.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"

namespace orbit {
namespace {

Variable Difference(const char* name, const Variable& prediction, const Variable& target) {
  Check(prediction.shape() == target.shape(), name, " of ", prediction.value().Describe(), " and ",
        target.value().Describe());
  return Sub(prediction, target);
}

}  // namespace

Variable MseLoss(const Variable& prediction, const Variable& target) {
  return Mean(Square(Difference("MseLoss", prediction, target)));
}

Variable L1Loss(const Variable& prediction, const Variable& target) {
  return Mean(Abs(Difference("L1Loss", prediction, target)));
}

}  // namespace orbit
