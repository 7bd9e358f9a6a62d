// Messages along the edges of graphs.
#ifndef ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_
#define ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_

#include "engine/edge_lists.h"
#include "engine/variable.h"

namespace orbit {

// y_i = (1 + eps) x_i + the sum of x_j over the edges j -> i, for every sample alike: x [graphs, samples, n, channels],
// eps []. f32, f64. The aggregation of GIN: Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019.
Variable MessageSum(const Variable& x, const Variable& eps, const EdgeLists& edges);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_MESSAGE_PASSING_H_
