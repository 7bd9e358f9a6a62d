// Vector neurons (Deng et al., ICCV 2021): features whose channels are vectors in space, [points, 3, channels].
//
// A layer's activation: with p the feature and d the learned direction of a channel,
//
//   m = |p| + 1e-6,  q = p BatchNorm(m) / m,
//   y = q - 0.8 min(q . d, 0) / (d . d + 1e-6) d,
//
// that is leaky ReLU with slope 0.2 along d. BatchNorm is over all rows, in training with their own mean and (biased)
// variance of m, else with the running ones.
//
// Rows are points or, with neighbours, edges. What the layer's linear maps give a point comes as z:
//
//   points: z [points, 3, C + D]: p, d                     row i: p = z_i[0 : C], d = z_i[C : C + D]
//   edges:  z [points, 3, 4 C]: p', p", d', d"             row (i, j): p = p'_j + p"_i, d = d'_j + d"_i
//
// where D is C, or 1 for a direction that all channels share. The edges (i, j) of node i go to its k neighbours j,
// numbered within the graph of n nodes: neighbours [points, k].
#ifndef ORBIT_KERNELS_VECTOR_NEURONS_H_
#define ORBIT_KERNELS_VECTOR_NEURONS_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct VectorNeuronShape {
  int64_t graphs, n;
  int64_t k = 0;  // neighbours; 0: rows are points
  int64_t channels;
  bool shared_direction = false;  // points only

  int64_t points() const { return graphs * n; }
  int64_t rows() const { return points() * (k > 0 ? k : 1); }
  int64_t z_channels() const { return k > 0 ? 4 * channels : channels + (shared_direction ? 1 : channels); }
};

// mean and variance [channels] of m over all rows, biased.
template <class Device, class T>
void VectorNeuronStatistics(Device device, const VectorNeuronShape& shape, const int32_t* neighbours, const T* z,
                            T* mean, T* variance);

// y [rows, 3, channels]; weight, bias, mean, variance [channels] and eps are BatchNorm's.
template <class Device, class T>
void VectorNeuronForward(Device device, const VectorNeuronShape& shape, const int32_t* neighbours, const T* z,
                         const T* weight, const T* bias, const T* mean, const T* variance, T eps, T* y);

// dz, dweight, dbias from dy. `training`: mean and variance are those of the rows, and the gradient goes through them.
template <class Device, class T>
void VectorNeuronBackward(Device device, const VectorNeuronShape& shape, const int32_t* neighbours, const T* z,
                          const T* weight, const T* bias, const T* mean, const T* variance, T eps, bool training,
                          const T* dy, T* dz, T* dweight, T* dbias);

// Of every channel of every point, the vector among its m candidates that reaches farthest along its direction, the
// first of equals: x, direction [points, m, 3, channels], y [points, 3, channels], choice u8 [points, channels] with
// m <= 256.
template <class Device, class T>
void VectorMaxPool(Device device, int64_t points, int64_t m, int64_t channels, const T* x, const T* direction, T* y,
                   uint8_t* choice);

// dx from dy; nothing flows to the directions, whose choice is piecewise constant.
template <class Device, class T>
void VectorMaxPoolBackward(Device device, int64_t points, int64_t m, int64_t channels, const uint8_t* choice,
                           const T* dy, T* dx);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_VECTOR_NEURONS_H_
