// Functions of single elements. All take f32, f64 and bf16, which is computed in f32, and return a new variable of the
// same dtype.
//
// Binary functions broadcast as NumPy does: shapes are aligned at their last axes, and an axis that is 1 or missing on
// one side is repeated. They throw Error, with both operands, for shapes that do not fit and for different dtypes, but
// for bf16 and f32 under Precision::kBf16 (engine/autocast.h), of which the result is bf16.
#ifndef ORBIT_ENGINE_OPS_ELEMENTWISE_H_
#define ORBIT_ENGINE_OPS_ELEMENTWISE_H_

#include "engine/ops/cast.h"
#include "engine/variable.h"

namespace orbit {

Variable Add(const Variable& a, const Variable& b);
Variable Sub(const Variable& a, const Variable& b);
Variable Mul(const Variable& a, const Variable& b);
Variable Div(const Variable& a, const Variable& b);

Variable Scale(const Variable& x, double factor);
Variable AddScalar(const Variable& x, double term);
Variable Neg(const Variable& x);

Variable Relu(const Variable& x);                     // the derivative at 0 is 0
Variable LeakyRelu(const Variable& x, double slope);  // the slope applies below 0; it is also the derivative at 0
Variable Gelu(const Variable& x);                     // x Phi(x), exact (Hendrycks and Gimpel 2016)
Variable Silu(const Variable& x);                     // x sigmoid(x)
Variable Tanh(const Variable& x);
Variable Sigmoid(const Variable& x);
Variable Exp(const Variable& x);
Variable Log(const Variable& x);
Variable Sqrt(const Variable& x);
Variable Square(const Variable& x);
Variable Abs(const Variable& x);  // the derivative at 0 is 0
// The gradient passes where low <= x <= high.
Variable Clamp(const Variable& x, double low, double high);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_ELEMENTWISE_H_
