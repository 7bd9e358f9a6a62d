// Layers of vector neurons (Deng et al., ICCV 2021) on graphs of points whose features are vectors,
// [graphs, n, 3, channels]. kernels/vector_neurons.h has the formula. All are equivariant to O(3) and take f32 and f64.
#ifndef ORBIT_ENGINE_OPS_VECTOR_NEURONS_H_
#define ORBIT_ENGINE_OPS_VECTOR_NEURONS_H_

#include "engine/ops/batch_statistics.h"
#include "engine/variable.h"

namespace orbit {

struct VectorNeuronParameters {
  Variable feature;       // [out, in]
  Variable direction;     // [out, in], or [1, in]: shared by all channels
  Variable weight, bias;  // [out], for the normalisation of lengths
};

// A linear map, normalisation of the lengths over all rows as by BatchNorm, and a leaky ReLU along a learned direction:
// x [graphs, n, 3, channels] -> [graphs, n, 3, out]. The points of a graph may share a context [graphs, 3, more]; then
// (x, context) is mapped and in = channels + more. Training updates the running statistics and needs more than one row.
Variable VectorNeurons(const Variable& x, const Variable& context, const VectorNeuronParameters& parameters,
                       const RunningStatistics& running, bool training);

// VectorNeurons on the edges from every point x to its k nearest neighbours y in feature space, itself included, with
// features (y - x, x), so in = 2 channels (Wang et al., Dynamic Graph CNN, TOG 2019). Of the k results each channel
// keeps the one farthest along the learned directions `pool` [out, out], which get no gradient.
Variable VectorNeuronEdges(const Variable& x, int64_t k, const Variable& pool, const VectorNeuronParameters& parameters,
                           const RunningStatistics& running, bool training);

// For every channel the vector, among a graph's points, that is farthest along its learned direction: x
// [graphs, n, 3, channels], direction [channels, channels] -> [graphs, 3, channels]. The direction gets no gradient.
Variable VectorMaxPool(const Variable& x, const Variable& direction);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_VECTOR_NEURONS_H_
