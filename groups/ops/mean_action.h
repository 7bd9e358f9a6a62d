// The mean over samples of transformed results, in one pass.
#ifndef ORBIT_GROUPS_OPS_MEAN_ACTION_H_
#define ORBIT_GROUPS_OPS_MEAN_ACTION_H_

#include "groups/ops/permutation.h"

namespace orbit {

// 1 / samples the sum of P m x over the samples: x [batch, samples, n, d, channels] -> [batch, n, d, channels], m
// [batch, samples, d, d], undefined where nothing acts on vectors, a hard P, null where none permutes nodes. f32, f64.
// Mean(Act(...)) of rotation.h and permutation.h, with the same gradients.
Variable MeanAction(const Permutation* permutation, const Variable& m, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_MEAN_ACTION_H_
