// Attention along the edges of batches of small graphs (Velickovic et al., Graph Attention Networks, ICLR 2018).
#ifndef ORBIT_KERNELS_GRAPH_ATTENTION_H_
#define ORBIT_KERNELS_GRAPH_ATTENTION_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// Edges are as in kernels/message_passing.h. Every node also attends to itself.
struct GraphAttentionShape {
  int64_t graphs, samples, n, heads, channels;

  constexpr int64_t nodes() const { return graphs * samples * n; }
};

// For each head, y_i = sum over j of w_ij z_j, where j runs over i and its sources and w_ij is the softmax over j of
// LeakyReLU(from_j + to_i). z, y: [graphs, samples, n, heads, channels]; from, to: [graphs, samples, n, heads]. Weights
// are never stored. Bytes: z, from, to and y once, as long as a graph's features stay in cache.
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
