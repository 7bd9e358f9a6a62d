// The diagonal of features of node pairs.
#ifndef ORBIT_ENGINE_OPS_DIAGONAL_H_
#define ORBIT_ENGINE_OPS_DIAGONAL_H_

#include "engine/variable.h"

namespace orbit {

// x [rows, n, n, channels] where both nodes are the same: [rows, n, channels]. f32, f64, bf16.
Variable Diagonal(const Variable& x);

// x [rows, n, channels] on the diagonal, 0 elsewhere: [rows, n, n, channels]. f32, f64, bf16.
Variable DiagonalEmbed(const Variable& x);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_DIAGONAL_H_
