// What surrounds the matrix products of MLPs over the edges of graphs, as in E(n) equivariant graph neural networks
// (Satorras et al., ICML 2021): gathering the first layer's inputs and summing the last layer's outputs over senders.
// Both are fused with the activation, so that arrays over edges cross memory only as often as the products themselves
// require.
//
// The first layer of phi_e(h_i, h_j, |x_i - x_j|^2, a_ij) is linear: W [h_i, h_j, ...] = A h_i + B h_j + ... The
// products with A and B are computed per node, and PairSilu adds them per edge.
#ifndef ORBIT_KERNELS_EDGE_MLP_H_
#define ORBIT_KERNELS_EDGE_MLP_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// Edges sorted by receiving node, as in kernels/message_passing.h, and for gradients their numbers sorted by sending
// node. Arrays over nodes are [graphs, samples, n, ...]. Arrays over edges have `edges` rows, ordered by graph, then by
// sample, then by edge.
struct GraphEdges {
  int64_t graphs, samples, n, edges;
  const int32_t *offsets, *sources;                                  // edges into a node; their sending nodes
  const int32_t *reverse_offsets, *reverse_targets, *reverse_edges;  // edges out of a node; their receivers and numbers

  constexpr int64_t nodes() const { return graphs * samples * n; }
  // The row of edge e in arrays over edges is FirstRow(graph, sample) + e.
  constexpr int64_t FirstRow(int64_t graph, int64_t sample) const {
    const int64_t first = offsets[graph * n], count = offsets[(graph + 1) * n] - first;
    return first * (samples - 1) + sample * count;
  }
};

// An edge has up to 8 scalars: the squared distance, if there are positions, and its attributes.
struct PairShape {
  int64_t channels, attributes;
  bool distances;

  static constexpr int64_t kMaxScalars = 8;
  constexpr int64_t scalars() const { return attributes + (distances ? 1 : 0); }
};

template <class T>
struct PairInput {
  T* nodes;       // [nodes, 2, channels]: a node's term as receiver (A h_i), then as sender (B h_j)
  T* positions;   // [nodes, 3]; null without distances
  T* attributes;  // [edges, attributes]
  T* weight;      // [channels, scalars]: first for the squared distance, then for the attributes
  T* bias;        // [channels]
};

// y_e [edges, channels] = SiLU(receiver_i + sender_j + weight [|x_i - x_j|^2, attributes_e] + bias) for e = j -> i.
// Bytes: y once; arrays over nodes stay in cache.
template <class Device, class T>
void PairSilu(Device device, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input, T* y);

// Gradients of all inputs from dy; that of the attributes may be null. Bytes: dy twice, once for receivers and once for
// senders, the second time from cache if it fits.
template <class Device, class T>
void PairSiluBackward(Device device, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input,
                      const T* dy, const PairInput<T>& gradient);

// messages [edges, channels] = SiLU(x); sums [nodes, channels] = each node's sum over the messages it receives.
// messages may be null. Bytes: x and messages once.
template <class Device, class T>
void SiluSum(Device device, const GraphEdges& edges, int64_t channels, const T* x, T* messages, T* sums);

// dx = SiLU'(x) (dmessages + dsums of the receiver). One of dmessages and dsums may be null. Bytes: x, dmessages and dx
// once.
template <class Device, class T>
void SiluSumBackward(Device device, const GraphEdges& edges, int64_t channels, const T* x, const T* dmessages,
                     const T* dsums, T* dx);

// moves [nodes, 3] = mean over senders j of clamp((x_i - x_j) s_ij, -limit, limit), with s_ij = weight . SiLU(p_ij), p
// [edges, channels] and weight [channels]. A node without senders has move 0. s is written to scales [edges]. Bytes: p
// once.
template <class Device, class T>
void MeanMoves(Device device, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
               const T* positions, T* scales, T* moves);

// Bytes: p and dp once.
template <class Device, class T>
void MeanMovesBackward(Device device, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
                       const T* positions, const T* scales, const T* dmoves, T* dp, T* dweight, T* dpositions);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_EDGE_MLP_H_
