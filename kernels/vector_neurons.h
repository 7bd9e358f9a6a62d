// Vector neurons (Deng et al., ICCV 2021): features whose channels are vectors in space, [points, 3, channels].
//
// A layer maps the features f of a row to vectors p = feature f and directions d = direction f, with one d per channel
// or one for all channels. It normalises the lengths of p over all rows and applies a leaky ReLU of slope 0.2 along d:
//
//   m = |p| + 1e-6,  q = p BatchNorm(m) / m,  y = q - 0.8 min(q . d, 0) / (d . d + 1e-6) d.
//
// Rows are the points or the edges of graphs:
//
//   points (neighbours = 0): f_i = (x_i, context of the graph); the context may have no channels.
//   edges from each point to its neighbours j: f_ij = (x_j - x_i, x_i) (Wang et al., Dynamic Graph CNN, TOG 2019). Of a
//     point's k results every channel keeps the one farthest along another learned direction, pool y_ij; the first of
//     equals.
//
// A linear map of an edge is a sum of linear maps of points, so only points are multiplied by weights. A graph's points
// go through the layer while they stay in cache. Every pass recomputes what it needs; nothing but x is kept.
#ifndef ORBIT_KERNELS_VECTOR_NEURONS_H_
#define ORBIT_KERNELS_VECTOR_NEURONS_H_

#include <cstdint>

#include "kernels/batch_statistics.h"
#include "kernels/device.h"

namespace orbit::kernels {

struct VectorNeuronShape {
  int64_t graphs, n;  // n points per graph
  int64_t in, channels;
  int64_t context = 0;            // channels of the context; for points only
  int64_t neighbours = 0;         // neighbours per point, at most 256; 0: rows are points
  bool shared_direction = false;  // one d for all channels

  constexpr int64_t rows() const { return graphs * n * (neighbours > 0 ? neighbours : 1); }
  constexpr int64_t row_channels() const { return neighbours > 0 ? 2 * in : in + context; }
};

template <class T>
struct VectorNeuronParameters {
  const T* feature;    // [channels, row_channels]
  const T* direction;  // [channels, row_channels], or [1, row_channels] if shared
  const T* weight;     // weight and bias of BatchNorm, [channels] each
  const T* bias;
};

template <class T>
struct VectorNeuronInput {
  const T* x;                 // [graphs, n, 3, in]
  const T* context;           // [graphs, 3, context], or null
  const int32_t* neighbours;  // [graphs, n, neighbours], numbered within the graph, or null
};

// Computes the moments [3, channels] of m over all rows.
template <class Device, class T>
void VectorNeuronMoments(Device device, const VectorNeuronShape& shape, const T* feature,
                         const VectorNeuronInput<T>& input, double* moments);

// y [graphs, n, 3, channels], with m normalised by `statistics`. Edges need pool [channels, channels] and choice u8
// [graphs, n, channels], which receives the position of the kept neighbour; both are null for points.
template <class Device, class T>
void VectorNeuronForward(Device device, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                         const BatchStatistics<T>& statistics, const T* pool, const VectorNeuronInput<T>& input, T* y,
                         uint8_t* choice);

// From dy: sums [2, channels], over all rows, of the gradient of BatchNorm(m) and of that gradient times (m - mean),
// and the gradients of BatchNorm's weight and bias.
template <class Device, class T>
void VectorNeuronGradientSums(Device device, const VectorNeuronShape& shape,
                              const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics,
                              const VectorNeuronInput<T>& input, const uint8_t* choice, const T* dy, double* sums,
                              T* dweight, T* dbias);

// Gradients of feature and direction from dy and, if not null, dx and dcontext. `sums` must be over all rows that the
// statistics count. `pool` gets no gradient, as the choice is piecewise constant.
template <class Device, class T>
void VectorNeuronBackward(Device device, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                          const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input,
                          const uint8_t* choice, const T* dy, const double* sums, T* dx, T* dcontext, T* dfeature,
                          T* ddirection);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_VECTOR_NEURONS_H_
