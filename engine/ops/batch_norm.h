// Batch normalisation.
#ifndef ORBIT_ENGINE_OPS_BATCH_NORM_H_
#define ORBIT_ENGINE_OPS_BATCH_NORM_H_

#include "engine/ops/batch_statistics.h"
#include "engine/variable.h"

namespace orbit {

// (x - mean) / sqrt(variance + eps) weight + bias for every channel, then max(., 0) if `relu`: x [..., channels],
// weight and bias [channels]. In training mean and biased variance are those of all rows, the gradient flows through
// them, and the running statistics are updated (engine/ops/batch_statistics.h); otherwise they are the running ones.
// f32, f64; bf16 is taken in f32. Throws Error for no rows, and in training for a single one. Where the
// rows are divided among ranks (RowsDividedAmong), all ranks' rows count. Ioffe and Szegedy, ICML 2015.
Variable BatchNorm(const Variable& x, const Variable& weight, const Variable& bias, const RunningStatistics& running,
                   bool training, bool relu = false, double eps = 1e-5);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_BATCH_NORM_H_
