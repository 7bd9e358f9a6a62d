// Checks that every differentiable operation must pass.
#ifndef ORBIT_TESTS_ENGINE_OPERATION_CHECK_H_
#define ORBIT_TESTS_ENGINE_OPERATION_CHECK_H_

#include <functional>
#include <string>
#include <vector>

#include "engine/random.h"
#include "engine/variable.h"

namespace orbit {

// An input, drawn from U(low, high).
struct Input {
  Shape shape;
  double low = -1, high = 1;
  bool constant = false;  // no gradient is needed, or there is none
};

// An operation on inputs of one dtype. It must be a function of its inputs alone; random numbers in it must start from
// the same seed at every call.
struct OperationCase {
  std::string name;
  std::vector<Input> inputs;
  std::function<Variable(const std::vector<Variable>&)> operation;
};

std::vector<Variable> DrawInputs(const OperationCase& checked, DType dtype, uint64_t seed = 1);

// Compares gradients in f64 with central differences of a random projection of the result, for every element, within
// 1e-6 (1 + |gradient|).
void CheckGradients(const OperationCase& checked);
// Compares results and gradients in f32 with those in f64, within `tolerance` in the l2 norm.
void CheckSinglePrecision(const OperationCase& checked, double tolerance = 2e-5);
// With inputs rounded to bf16, results and gradients in bf16, and under Precision::kBf16 with the same inputs in f32 a
// result in bf16 and gradients in f32, are those of f32 within `tolerance` in the l2 norm.
void CheckBF16(const OperationCase& checked, Device device, double tolerance = 0.03);
// Results and gradients in f32 have the same bits with 1, 2 and 3 threads.
void CheckThreads(const OperationCase& checked);
// The operation takes no address of its inputs to write to: that would count as a change of a parameter
// (Tensor::version), whose copy in bf16 would be converted again for nothing.
void CheckInputsAreOnlyRead(const OperationCase& checked);

}  // namespace orbit

#endif  // ORBIT_TESTS_ENGINE_OPERATION_CHECK_H_
