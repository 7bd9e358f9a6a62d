// Element types of operands.
#ifndef ORBIT_ENGINE_OPS_CAST_H_
#define ORBIT_ENGINE_OPS_CAST_H_

#include <vector>

#include "engine/variable.h"

namespace orbit {

// x in another floating dtype; the gradient comes back in x's own. x itself where nothing changes.
Variable Cast(const Variable& x, DType dtype);

// What operations are written with that are computed in bf16 under Precision::kBf16 (engine/autocast.h). They cast
// values, and list the uncast variables as their inputs: gradients are added up in the dtype of the variable.

// The value of x in bf16 where it is f32 and Autocast::current() is kBf16; else the value itself.
Tensor AutocastOperand(const Variable& x);
// The values of the operands, under kBf16 those of f32 in bf16 where another one is bf16.
std::vector<Tensor> AutocastTogether(const std::vector<Variable>& operands);
// Whether a parameter serves activations of a dtype: it has that dtype or, for bf16, is f32.
bool Serves(const Variable& parameter, DType activations);

// What other operations begin with: x in f32 where it is bf16; else x itself.
Variable FromBF16(const Variable& x);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_CAST_H_
