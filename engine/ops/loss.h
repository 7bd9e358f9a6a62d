// Losses: scalars, means over what they are taken of.
#ifndef ORBIT_ENGINE_OPS_LOSS_H_
#define ORBIT_ENGINE_OPS_LOSS_H_

#include "engine/variable.h"

namespace orbit {

// Mean of (prediction - target)^2 over all elements; same shapes. f32, f64.
Variable MseLoss(const Variable& prediction, const Variable& target);

// Mean of |prediction - target| over all elements; same shapes. f32, f64.
Variable L1Loss(const Variable& prediction, const Variable& target);

// Mean of the binary cross entropy of targets in [0, 1] given logits, same shapes: max(x, 0) - x t + log(1 + e^-|x|).
// f32, f64.
Variable BceWithLogitsLoss(const Variable& logits, const Variable& target);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_LOSS_H_
