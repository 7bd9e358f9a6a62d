#include "tests/engine/operation_check.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/autocast.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

constexpr double kStep = 1e-6, kTolerance = 1e-6;

// The result, and the gradients of all inputs that have one, for a fixed projection of the result.
std::vector<Tensor> RunBothWays(const OperationCase& checked, const std::vector<Variable>& inputs) {
  const Variable y = checked.operation(inputs);
  Generator generator(2);
  y.Backward(generator.Uniform(y.shape(), -1, 1, DType::kF64).To(y.dtype()).To(y.device()));
  std::vector<Tensor> results = {y.value()};
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!checked.inputs[i].constant)
      results.push_back(inputs[i].grad().defined() ? inputs[i].grad() : Tensor::ZerosLike(inputs[i].value()));
  return results;
}

// Within `tolerance` in the l2 norm, result by result.
void ExpectClose(const OperationCase& checked, const std::vector<Tensor>& expected, const std::vector<Tensor>& actual,
                 double tolerance) {
  ASSERT_EQ(expected.size(), actual.size()) << checked.name;
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::vector<double> a = expected[i].ToVector<double>(), b = actual[i].ToVector<double>();
    double difference = 0, norm = 0;
    for (size_t e = 0; e < a.size(); ++e) {
      difference += (a[e] - b[e]) * (a[e] - b[e]);
      norm += a[e] * a[e];
    }
    ASSERT_LE(std::sqrt(difference), tolerance * (1e-3 + std::sqrt(norm)))
        << checked.name << ": " << (i == 0 ? "the result" : "gradient " + std::to_string(i - 1));
  }
}

double Projection(const OperationCase& checked, const std::vector<Variable>& inputs) {
  const NoGrad no_grad;
  const Variable y = checked.operation(inputs);
  Generator generator(2);
  return Sum(Mul(y, generator.Uniform(y.shape(), -1, 1, DType::kF64))).value().Item();
}

}  // namespace

std::vector<Variable> DrawInputs(const OperationCase& checked, DType dtype, uint64_t seed) {
  Generator generator(seed);
  std::vector<Variable> inputs;
  for (const Input& input : checked.inputs) {
    // Rounded to single precision, so that both precisions see the same inputs.
    const Tensor value = generator.Uniform(input.shape, input.low, input.high, DType::kF32);
    inputs.emplace_back(value.To(dtype).Clone(), !input.constant);
  }
  return inputs;
}

void CheckGradients(const OperationCase& checked) {
  const std::vector<Variable> inputs = DrawInputs(checked, DType::kF64);
  const std::vector<Tensor> results = RunBothWays(checked, inputs);
  size_t result = 1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (checked.inputs[i].constant) continue;
    const Tensor& gradient = results[result++];
    ASSERT_EQ(gradient.shape(), inputs[i].shape()) << checked.name << ": the gradient of input " << i;
    double* value = inputs[i].value().data<double>();
    for (int64_t e = 0; e < inputs[i].size(); ++e) {
      const double at = value[e];
      value[e] = at + kStep;
      const double above = Projection(checked, inputs);
      value[e] = at - kStep;
      const double below = Projection(checked, inputs);
      value[e] = at;
      const double expected = (above - below) / (2 * kStep), actual = gradient.data<double>()[e];
      ASSERT_NEAR(actual, expected, kTolerance * (1 + std::abs(expected)))
          << checked.name << ": the gradient of element " << e << " of input " << i;
    }
  }
}

void CheckSinglePrecision(const OperationCase& checked, double tolerance) {
  const std::vector<Tensor> exact = RunBothWays(checked, DrawInputs(checked, DType::kF64));
  const std::vector<Tensor> single = RunBothWays(checked, DrawInputs(checked, DType::kF32));
  for (const Tensor& result : single) ASSERT_EQ(result.dtype(), DType::kF32) << checked.name;
  ExpectClose(checked, exact, single, tolerance);
}

void CheckBF16(const OperationCase& checked, Device device, double tolerance) {
  const auto inputs = [&](DType dtype, Device device) {
    std::vector<Variable> drawn = DrawInputs(checked, DType::kF32);
    for (const Variable& x : drawn) x.set_value(x.value().To(DType::kBF16).To(dtype).To(device));
    return drawn;
  };
  const std::vector<Tensor> exact = RunBothWays(checked, inputs(DType::kF32, {}));
  const std::vector<Tensor> stored = RunBothWays(checked, inputs(DType::kBF16, device));
  for (const Tensor& result : stored) ASSERT_EQ(result.dtype(), DType::kBF16) << checked.name;
  ExpectClose(checked, exact, stored, tolerance);
  std::vector<Tensor> autocast;
  {
    const Autocast scope(Precision::kBf16);
    autocast = RunBothWays(checked, inputs(DType::kF32, device));
  }
  for (size_t i = 1; i < autocast.size(); ++i) ASSERT_EQ(autocast[i].dtype(), DType::kF32) << checked.name;
  ExpectClose(checked, exact, autocast, tolerance);
}

void CheckThreads(const OperationCase& checked) {
  const int before = kernels::NumThreads();
  std::vector<std::vector<Tensor>> results;
  for (const int threads : {1, 2, 3}) {
    kernels::SetNumThreads(threads);
    results.push_back(RunBothWays(checked, DrawInputs(checked, DType::kF32)));
  }
  kernels::SetNumThreads(before);
  for (size_t run = 1; run < results.size(); ++run)
    for (size_t i = 0; i < results[0].size(); ++i)
      ASSERT_EQ(results[run][i].ToVector<float>(), results[0][i].ToVector<float>())
          << checked.name << " with " << run + 1
          << " threads: " << (i == 0 ? "the result" : "gradient " + std::to_string(i - 1));
}

void CheckInputsAreOnlyRead(const OperationCase& checked) {
  const std::vector<Variable> inputs = DrawInputs(checked, DType::kF32);
  std::vector<Tensor::Version> before;
  for (const Variable& input : inputs) before.push_back(input.value().version());
  RunBothWays(checked, inputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_EQ(inputs[i].value().version(), before[i]) << checked.name << ": input " << i;
}

}  // namespace orbit
