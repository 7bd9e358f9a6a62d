// Message passing over batches of small graphs, in compressed sparse rows.
//
// Node i of graph g receives from sources[offsets[g n + i]] up to sources[offsets[g n + i + 1]], which are numbers of
// nodes within the graph; every one of the graph's `samples` feature maps goes over the same edges.
#ifndef ORBIT_KERNELS_MESSAGE_PASSING_H_
#define ORBIT_KERNELS_MESSAGE_PASSING_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

struct MessageShape {
  int64_t graphs, samples, n, channels;
  bool hub =
      false;  // one more node before all others, in both directions joined to every node of its graph and to itself

  constexpr int64_t rows() const { return n + (hub ? 1 : 0); }
  constexpr int64_t size() const { return graphs * samples * rows() * channels; }
};

// y = (1 + eps) x + the sum over sources, the aggregation of graph isomorphism networks (Xu et al., ICLR 2019): x, y
// [graphs, samples, rows, channels], eps []. num_nodes [graphs] tells which nodes the hub reaches; null without one.
// Bytes: x once and y once, where a graph's features stay in the cache.
template <class Device, class T>
void MessageSum(Device device, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                const int32_t* num_nodes, const T* eps, const T* x, T* y);

// y = s ((1 + eps) s x + the sum over sources of s x) + bias, the aggregation of graph convolutional networks (Kipf and
// Welling, ICLR 2017) with s [graphs, n] one over the root of the degrees: no hub; bias [channels] may be null. Bytes
// as above.
template <class Device, class T>
void NormalizedMessageSum(Device device, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                          const T* eps, const T* s, const T* bias, const T* x, T* y);

// mask [graphs, n]: 1 for the nodes of each graph, its first num_nodes, and 0 for padding.
template <class Device, class T>
void NodeMask(Device device, int64_t graphs, int64_t n, const int32_t* num_nodes, T* mask);

// The sum over all elements of a b, in a fixed order: the gradient of eps from x and dy.
template <class Device, class T>
void DotProduct(Device device, int64_t size, const T* a, const T* b, T* result);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_MESSAGE_PASSING_H_
