// Losses: scalars. As PyTorch's, with `reduction`.
#ifndef ORBIT_ENGINE_OPS_LOSS_H_
#define ORBIT_ENGINE_OPS_LOSS_H_

#include "engine/variable.h"

namespace orbit {

// Over all elements. Sums are what adds up over micro-batches and ranks (engine/training/loss.h).
enum class Reduction : uint8_t { kMean, kSum };

// (prediction - target)^2; same shapes. f32, f64.
Variable MseLoss(const Variable& prediction, const Variable& target, Reduction reduction = Reduction::kMean);

// |prediction - target|; same shapes. f32, f64.
Variable L1Loss(const Variable& prediction, const Variable& target, Reduction reduction = Reduction::kMean);

// The binary cross entropy of targets in [0, 1] given logits, same shapes: max(x, 0) - x t + log(1 + e^-|x|), times
// `weight`, which broadcasts to them, where it is defined: 0 for elements without a label. f32, f64.
Variable BceWithLogitsLoss(const Variable& logits, const Variable& target, Reduction reduction = Reduction::kMean,
                           const Variable& weight = {});

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_LOSS_H_
