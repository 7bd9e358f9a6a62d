// Attention along the edges of batches of small graphs (Velickovic et al., Graph Attention Networks, ICLR 2018).
#ifndef ORBIT_KERNELS_GRAPH_ATTENTION_H_
#define ORBIT_KERNELS_GRAPH_ATTENTION_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// Edges are those of kernels/message_passing.h; every node attends to itself too.
struct GraphAttentionShape {
  int64_t graphs, samples, n, heads, channels;

  constexpr int64_t nodes() const { return graphs * samples * n; }
};

// y_i = the sum over j of w_ij z_j, w_ij = softmax over i's sources and i of LeakyReLU(from_j + to_i), a head at a
// time: z, y [graphs, samples, n, heads, channels]; from, to [graphs, samples, n, heads]. Weights are never stored.
// Bytes: z, from and to once and y once, where a graph's features stay in the cache.
template <class Device, class T>
void GraphAttention(Device device, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                    const int32_t* sources, const T* z, const T* from, const T* to, T* y);

// dz, dfrom and dto from dy; the weights are computed again. On GPUs a graph's sums stay in shared memory: Error beyond
// n = 19,285 (float) or 9,642 (double) on compute capability 9.0.
template <class Device, class T>
void GraphAttentionBackward(Device device, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                            const int32_t* sources, const T* z, const T* from, const T* to, const T* dy, T* dz,
                            T* dfrom, T* dto);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_GRAPH_ATTENTION_H_
