#include "engine/ops/loss.h"

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "kernels/cross_entropy.h"

namespace orbit {
namespace {

void CheckSameShape(const char* name, const Variable& prediction, const Variable& target) {
  Check(prediction.shape() == target.shape(), name, " of ", prediction.value().Describe(), " and ",
        target.value().Describe());
}

Variable Difference(const char* name, const Variable& prediction, const Variable& target) {
  CheckSameShape(name, prediction, target);
  return Sub(FromBF16(prediction), target);
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
  if (logits.dtype() == DType::kBF16) return BceWithLogitsLoss(FromBF16(logits), target, reduction, weight);
  const Variable softplus = Log(AddScalar(Exp(Neg(Abs(logits))), 1));
  const Variable terms = Add(Sub(Relu(logits), Mul(logits, target)), softplus);
  return Reduce(weight.defined() ? Mul(terms, weight) : terms, reduction);
}

Variable CrossEntropyLoss(const Variable& logits, const Tensor& target, Reduction reduction, const Tensor& weight,
                          int64_t ignored) {
  if (logits.dtype() == DType::kBF16) return CrossEntropyLoss(FromBF16(logits), target, reduction, weight, ignored);
  Check(logits.rank() >= 1 && logits.dim(-1) > 0 && target.dtype() == DType::kI64 &&
            target.device() == logits.device() &&
            target.shape() == Shape(logits.shape().begin(), logits.shape().end() - 1),
        "CrossEntropyLoss of ", logits.value().Describe(), " and targets ", target.Describe());
  const int64_t classes = logits.dim(-1), rows = target.size();
  Check(!weight.defined() || (weight.shape() == Shape{classes} && weight.dtype() == logits.dtype() &&
                              weight.device() == logits.device()),
        "CrossEntropyLoss of ", logits.value().Describe(), " with weights ", weight.Describe());
  const Tensor x = logits.value(), losses = Tensor::Empty({rows}, x.dtype(), x.device());
  Dispatch("CrossEntropyLoss", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::CrossEntropyForward(device, rows, classes, x.data<T>(), target.data<int64_t>(), ignored,
                                 weight.data_or_null<T>(), losses.data<T>());
  });
  const Variable sum = Sum(MakeVariable("CrossEntropyLoss", losses, {logits}, [=](const Gradients& gradients) {
    const Tensor dx = Tensor::EmptyLike(x);
    Dispatch("CrossEntropyLoss", x, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::CrossEntropyBackward(device, rows, classes, x.data<T>(), target.data<int64_t>(), ignored,
                                    weight.data_or_null<T>(), gradients.output().data<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  }));
  if (reduction == Reduction::kSum) return sum;
  const double denominator = CrossEntropyDenominator(target, weight, ignored);
  Check(denominator > 0, "CrossEntropyLoss: the mean over targets whose weights add up to ", denominator);
  return Scale(sum, 1 / denominator);
}

double CrossEntropyDenominator(const Tensor& target, const Tensor& weight, int64_t ignored) {
  const std::vector<double> weights = weight.defined() ? weight.ToVector<double>() : std::vector<double>();
  double sum = 0;
  for (const int64_t t : target.ToVector<int64_t>()) {
    if (t == ignored) continue;
    Check(!weight.defined() || (t >= 0 && t < weight.size()), "target ", t, " is none of ", weight.size(), " classes");
    sum += weight.defined() ? weights[t] : 1;
  }
  return sum;
}

}  // namespace orbit
