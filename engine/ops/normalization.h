// Normalisation.
#ifndef ORBIT_ENGINE_OPS_NORMALIZATION_H_
#define ORBIT_ENGINE_OPS_NORMALIZATION_H_

#include "engine/variable.h"

namespace orbit {

// (x - mean) / sqrt(variance + eps) weight + bias over the last axis, with the biased variance: x [..., width], weight
// and bias [width]. f32, f64, and bf16, of which weight and bias may be f32; statistics and sums are f32. Under
// Precision::kBf16 (engine/autocast.h) x in f32 is taken in bf16. Ba, Kiros, Hinton 2016.
Variable LayerNorm(const Variable& x, const Variable& weight, const Variable& bias, double eps = 1e-5);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_NORMALIZATION_H_
