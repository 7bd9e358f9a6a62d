// Operations that move elements without changing them. f32, f64, bf16; negative axes count from the end.
#ifndef ORBIT_ENGINE_OPS_SHAPE_H_
#define ORBIT_ENGINE_OPS_SHAPE_H_

#include <vector>

#include "engine/variable.h"

namespace orbit {

// The same elements in the same order. One size may be -1 and is inferred. Shares storage.
Variable Reshape(const Variable& x, const Shape& shape);

// Axis i of the result is axis axes[i] of x.
Variable Permute(const Variable& x, const std::vector<int64_t>& axes);

// Joined along an axis; all other sizes and the dtypes are the same, but for bf16 and f32 under Precision::kBf16
// (engine/autocast.h), of which the result is bf16.
Variable Concat(const std::vector<Variable>& parts, int64_t axis);

// Elements [begin, end) of an axis.
Variable Slice(const Variable& x, int64_t axis, int64_t begin, int64_t end);

// x broadcast to `shape`: repeated along axes that are 1 or missing.
Variable BroadcastTo(const Variable& x, const Shape& shape);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_SHAPE_H_
