#include "tools/experiments/losses.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

// Row 0 (values) or 1 (whether they are known) of packed targets.
Variable RowOf(const Tensor& packed, int64_t row) {
  return Reshape(Slice(packed, 1, row, row + 1), {packed.dim(0), packed.dim(2)});
}

}  // namespace

std::vector<double> RarityWeights(const std::vector<double>& counts) {
  const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<double> weights;
  for (const double count : counts) weights.push_back(count == 0 ? 0 : count == all ? 1 : (all - count) / all);
  return weights;
}

LossPart BalancedCrossEntropy(const Variable& logits, const Tensor& target, const std::vector<double>& counts) {
  const std::vector<double> weights = RarityWeights(counts);
  double denominator = 0;
  for (size_t c = 0; c < counts.size(); ++c) denominator += weights[c] * counts[c];
  const DType dtype = logits.dtype() == DType::kBF16 ? DType::kF32 : logits.dtype();
  const Tensor weight = Tensor::From(weights, {static_cast<int64_t>(weights.size())}).To(dtype).To(logits.device());
  return {.name = "cross_entropy",
          .sum = CrossEntropyLoss(logits, target, Reduction::kSum, weight),
          .denominator = denominator > 0 ? denominator : 1};
}

Tensor PackKnown(const Tensor& targets) {
  const std::vector<float> values = targets.ToVector<float>();
  const int64_t count = targets.dim(0), outputs = targets.dim(1);
  std::vector<float> packed(2 * values.size());
  for (int64_t i = 0; i < count; ++i)
    for (int64_t o = 0; o < outputs; ++o) {
      const float value = values[i * outputs + o];
      const bool is_known = !std::isnan(value);
      packed[2 * i * outputs + o] = is_known ? value : 0;
      packed[(2 * i + 1) * outputs + o] = is_known ? 1 : 0;
    }
  return Tensor::From(packed, {count, 2, outputs});
}

Tensor UnpackKnown(const Tensor& packed) {
  const std::vector<float> values = packed.ToVector<float>();
  const int64_t count = packed.dim(0), outputs = packed.dim(2);
  std::vector<float> targets(count * outputs);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t o = 0; o < outputs; ++o)
      targets[i * outputs + o] = values[(2 * i + 1) * outputs + o] == 0 ? std::numeric_limits<float>::quiet_NaN()
                                                                        : values[2 * i * outputs + o];
  return Tensor::From(targets, {count, outputs});
}

LossPart KnownBce(const Variable& logits, const Tensor& packed, double known) {
  return {.name = "bce",
          .sum = BceWithLogitsLoss(logits, RowOf(packed, 0), Reduction::kSum, RowOf(packed, 1)),
          .denominator = std::max(1.0, known)};
}

LossPart KnownL1(const Variable& predictions, const Tensor& packed, double known) {
  const Variable distances = Abs(Sub(predictions, RowOf(packed, 0)));
  return {.name = "l1", .sum = Sum(Mul(distances, RowOf(packed, 1))), .denominator = std::max(1.0, known)};
}

}  // namespace orbit
