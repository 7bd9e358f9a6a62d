// The mean over samples of transformed outputs, in one pass.
#ifndef ORBIT_GROUPS_OPS_MEAN_ACTION_H_
#define ORBIT_GROUPS_OPS_MEAN_ACTION_H_

#include "groups/ops/permutation.h"

namespace orbit {

// The mean over the samples of P m x: x [batch, samples, n, d, channels] -> [batch, n, d, channels]. m is
// [batch, samples, d, d], undefined if nothing acts on vectors; P is a hard permutation, null if nodes are not
// permuted. f32, f64. Equals Mean(Act(...)) of rotation.h and permutation.h, with the same gradients.
Variable MeanAction(const Permutation* permutation, const Variable& m, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_MEAN_ACTION_H_
