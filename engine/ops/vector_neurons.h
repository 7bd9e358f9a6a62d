// Layers of vector neurons (Deng et al., ICCV 2021) on graphs of points with vectors, [graphs, n, 3, channels]:
// kernels/vector_neurons.h has the formula. All are equivariant to O(3) and take f32 and f64.
#ifndef ORBIT_ENGINE_OPS_VECTOR_NEURONS_H_
#define ORBIT_ENGINE_OPS_VECTOR_NEURONS_H_

#include "engine/ops/batch_statistics.h"
#include "engine/variable.h"

namespace orbit {

struct VectorNeuronParameters {
  Variable feature;       // [out, in]
  Variable direction;     // [out, in], or [1, in]: shared by all channels
  Variable weight, bias;  // [out], of the norm of lengths
};

// A linear map, the lengths normalised over all rows as by BatchNorm, and a leaky ReLU along a learned direction.
// x [graphs, n, 3, channels] -> [graphs, n, 3, out]. Each graph's points may share a context [graphs, 3, more]: what is
// mapped is (x, context), in = channels + more. In training the running statistics move, and there must be more than
// one row.
Variable VectorNeurons(const Variable& x, const Variable& context, const VectorNeuronParameters& parameters,
                       const RunningStatistics& running, bool training);

// The same on the edges from every point x to its k nearest neighbours y in feature space, itself among them, with
// features (y - x, x): in = 2 channels (Wang et al., Dynamic Graph CNN, TOG 2019). Of the k results each channel keeps
// the one that reaches farthest along the learned directions `pool` [out, out], to which no gradient flows.
Variable VectorNeuronEdges(const Variable& x, int64_t k, const Variable& pool, const VectorNeuronParameters& parameters,
                           const RunningStatistics& running, bool training);

// Of every channel the vector that reaches farthest along its learned direction, `direction` [channels, channels],
// among a graph's points: x [graphs, n, 3, channels] -> [graphs, 3, channels]. No gradient flows to the direction.
Variable VectorMaxPool(const Variable& x, const Variable& direction);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_VECTOR_NEURONS_H_
