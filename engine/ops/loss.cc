#include "engine/ops/loss.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"

namespace orbit {
namespace {

void CheckSameShape(const char* name, const Variable& prediction, const Variable& target) {
  Check(prediction.shape() == target.shape(), name, " of ", prediction.value().Describe(), " and ",
        target.value().Describe());
}

Variable Difference(const char* name, const Variable& prediction, const Variable& target) {
  CheckSameShape(name, prediction, target);
  return Sub(prediction, target);
}

}  // namespace

Variable MseLoss(const Variable& prediction, const Variable& target) {
  return Mean(Square(Difference("MseLoss", prediction, target)));
}

Variable L1Loss(const Variable& prediction, const Variable& target) {
  return Mean(Abs(Difference("L1Loss", prediction, target)));
}

Variable BceWithLogitsLoss(const Variable& logits, const Variable& target) {
  CheckSameShape("BceWithLogitsLoss", logits, target);
  const Variable softplus = Log(AddScalar(Exp(Neg(Abs(logits))), 1));
  return Mean(Add(Sub(Relu(logits), Mul(logits, target)), softplus));
}

}  // namespace orbit
