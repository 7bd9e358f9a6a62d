// Matrix products. f32, f64, and bf16 with sums in f32; under Precision::kBf16 (engine/autocast.h) f32 is computed in
// bf16.
#ifndef ORBIT_ENGINE_OPS_LINEAR_H_
#define ORBIT_ENGINE_OPS_LINEAR_H_

#include "engine/variable.h"

namespace orbit {

// x [..., in] times the transpose of weight [out, in], plus bias [out] where it is defined: [..., out]. Of x in bf16
// weight and bias may be f32; their gradients are summed in f32.
Variable Linear(const Variable& x, const Variable& weight, const Variable& bias = {});

// start + Linear(x, weight, bias), the end of a residual branch, rounded once: start [..., out].
Variable LinearPlus(const Variable& start, const Variable& x, const Variable& weight, const Variable& bias);

// a [..., m, k] times b [..., k, n]: [..., m, n], with the same leading axes, or none on b. With transpose_a, a is
// [..., k, m]; with transpose_b, b is [..., n, k].
Variable MatMul(const Variable& a, const Variable& b, bool transpose_a = false, bool transpose_b = false);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_LINEAR_H_
