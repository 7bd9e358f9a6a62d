// Sums, means and maxima along axes. f32, f64, and bf16 with sums in f32; negative axes count from the end.
#ifndef ORBIT_ENGINE_OPS_REDUCE_H_
#define ORBIT_ENGINE_OPS_REDUCE_H_

#include <vector>

#include "engine/variable.h"

namespace orbit {

// Over the given axes, which are removed or, if `keepdim`, become 1. Sums are taken in a fixed order.
Variable Sum(const Variable& x, const std::vector<int64_t>& axes, bool keepdim = false);
// throws Error for an empty mean
Variable Mean(const Variable& x, const std::vector<int64_t>& axes, bool keepdim = false);

// Over all axes: a scalar.
Variable Sum(const Variable& x);
Variable Mean(const Variable& x);

// The largest value along one axis, which goes; the gradient is that of the first place it is found. Of bf16 it is f32.
Variable Max(const Variable& x, int64_t axis);

// A gradient or value of x's shape summed over the axes that broadcasting `shape` to it repeats; sums of bf16 are f32.
Tensor SumToShape(const Tensor& x, const Shape& shape);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_REDUCE_H_
