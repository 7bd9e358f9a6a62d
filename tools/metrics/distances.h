// How far predicted values are from known ones. `predictions` and `targets` are [examples, values]; targets that are
// NaN are not known and left out.
#ifndef ORBIT_TOOLS_METRICS_DISTANCES_H_
#define ORBIT_TOOLS_METRICS_DISTANCES_H_

#include "engine/tensor.h"

namespace orbit {

// The mean of |prediction - target| over all known targets; NaN if there are none.
double MeanAbsoluteError(const Tensor& predictions, const Tensor& targets);

// 1 - sum (prediction - target)^2 / sum (target - their mean)^2, averaged over the values. As scikit-learn's r2_score:
// values whose known targets are all the same count as 1 if they are met exactly and else as 0. Values with fewer than
// two known targets are left out; NaN if there are no others.
double R2(const Tensor& predictions, const Tensor& targets);

}  // namespace orbit

#endif  // ORBIT_TOOLS_METRICS_DISTANCES_H_
