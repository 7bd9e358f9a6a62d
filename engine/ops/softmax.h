// The softmax.
#ifndef ORBIT_ENGINE_OPS_SOFTMAX_H_
#define ORBIT_ENGINE_OPS_SOFTMAX_H_

#include "engine/variable.h"

namespace orbit {

// exp(x) over its sum along an axis, 0 where all of it is -infinity. f32, f64, and bf16 with sums in f32; a negative
// axis counts from the end.
Variable Softmax(const Variable& x, int64_t axis);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_SOFTMAX_H_
