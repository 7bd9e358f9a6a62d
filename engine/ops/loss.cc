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

Variable Reduce(const Variable& terms, Reduction reduction) {
  return reduction == Reduction::kMean ? Mean(terms) : Sum(terms);
}

}  // namespace

Variable MseLoss(const Variable& prediction, const Variable& target, Reduction reduction) {
  return Reduce(Square(Difference("MseLoss", prediction, target)), reduction);
}

Variable L1Loss(const Variable& prediction, const Variable& target, Reduction reduction) {
  return Reduce(Abs(Difference("L1Loss", prediction, target)), reduction);
}

Variable BceWithLogitsLoss(const Variable& logits, const Variable& target, Reduction reduction,
                           const Variable& weight) {
  CheckSameShape("BceWithLogitsLoss", logits, target);
  const Variable softplus = Log(AddScalar(Exp(Neg(Abs(logits))), 1));
  const Variable terms = Add(Sub(Relu(logits), Mul(logits, target)), softplus);
  return Reduce(weight.defined() ? Mul(terms, weight) : terms, reduction);
}

}  // namespace orbit
