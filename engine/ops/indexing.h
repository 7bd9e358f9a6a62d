// Selecting and adding rows by index.
#ifndef ORBIT_ENGINE_OPS_INDEXING_H_
#define ORBIT_ENGINE_OPS_INDEXING_H_

#include "engine/variable.h"

namespace orbit {

// Rows index[i] of the first axis of x: index i64 [m], x [rows, ...] -> [m, ...]. f32, f64, and bf16, whose gradients
// are added up in f32. Throws for a number outside [0, rows).
Variable IndexSelect(const Variable& x, const Tensor& index);

// Row r of the result, of `rows`, is the sum of all x[i] with index[i] = r: x [m, ...], index i64 [m].
Variable IndexAdd(const Variable& x, const Tensor& index, int64_t rows);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_INDEXING_H_
