// Message passing over batches of small graphs in compressed sparse row format.
//
// Node i of graph g receives from the nodes sources[offsets[g n + i]] ... sources[offsets[g n + i + 1] - 1], numbered
// within the graph. All `samples` feature maps of a graph share its edges.
#ifndef ORBIT_KERNELS_MESSAGE_PASSING_H_
#define ORBIT_KERNELS_MESSAGE_PASSING_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct MessageShape {
  int64_t graphs, samples, n, channels;
  bool hub = false;  // adds a hub node before all others, with edges to and from every node of its graph and itself

  constexpr int64_t rows() const { return n + (hub ? 1 : 0); }
  constexpr int64_t size() const { return graphs * samples * rows() * channels; }
};

// y = (1 + eps) x + sum over sources, the aggregation of graph isomorphism networks (Xu et al., ICLR 2019). x, y:
// [graphs, samples, rows, channels]; eps: []. num_nodes [graphs] says which nodes the hub is joined to; it is null
// without a hub. Bytes: x and y once, as long as a graph's features stay in cache.
template <class Device, class T>
void MessageSum(Device device, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                const int32_t* num_nodes, const T* eps, const T* x, T* y);

// y = s ((1 + eps) s x + sum over sources of s x) + bias, the aggregation of graph convolutional networks (Kipf and
// Welling, ICLR 2017), where s [graphs, n] is 1 / sqrt(degree). No hub; bias [channels] may be null. Bytes as above.
template <class Device, class T>
void NormalizedMessageSum(Device device, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                          const T* eps, const T* s, const T* bias, const T* x, T* y);

// mask [graphs, n]: 1 for the first num_nodes nodes of each graph, 0 for padding.
template <class Device, class T>
void NodeMask(Device device, int64_t graphs, int64_t n, const int32_t* num_nodes, T* mask);

// result = sum over i of a[i] b[i], in a fixed order. With x and dy it is the gradient of eps.
template <class Device, class T>
void DotProduct(Device device, int64_t size, const T* a, const T* b, T* result);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_MESSAGE_PASSING_H_
