// Losses: scalars. As PyTorch's, with `reduction`. Predictions and logits in bf16 are taken in f32.
#ifndef ORBIT_ENGINE_OPS_LOSS_H_
#define ORBIT_ENGINE_OPS_LOSS_H_

#include "engine/variable.h"

namespace orbit {

// Mean or sum over all elements. Sums add up over micro-batches and ranks (engine/training/loss.h).
enum class Reduction : uint8_t { kMean, kSum };

// (prediction - target)^2; same shapes. f32, f64.
Variable MseLoss(const Variable& prediction, const Variable& target, Reduction reduction = Reduction::kMean);

// |prediction - target|; same shapes. f32, f64.
Variable L1Loss(const Variable& prediction, const Variable& target, Reduction reduction = Reduction::kMean);

// The binary cross entropy of targets t in [0, 1] given logits x, same shapes: max(x, 0) - x t + log(1 + e^-|x|). If
// `weight` is defined it is broadcast and multiplied in; elements without a label have weight 0. f32, f64.
Variable BceWithLogitsLoss(const Variable& logits, const Variable& target, Reduction reduction = Reduction::kMean,
                           const Variable& weight = {});

// The cross entropy of a class given logits [..., classes], over the rows whose target, i64 [...], is not `ignored`:
// the log of the sum of exp(logits) minus the target's logit, times weight [classes] of the target where it is defined.
// kMean divides by CrossEntropyDenominator, of which it throws Error where that is 0; it waits for the device where the
// target is there. Throws Error for a target that is neither a class nor `ignored`; a GPU, which cannot, gives NaN.
// f32, f64.
Variable CrossEntropyLoss(const Variable& logits, const Tensor& target, Reduction reduction = Reduction::kMean,
                          const Tensor& weight = {}, int64_t ignored = -100);

// The sum of the weights, ones where undefined, of the targets that are not ignored.
double CrossEntropyDenominator(const Tensor& target, const Tensor& weight = {}, int64_t ignored = -100);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_LOSS_H_
