// What surrounds the dense products of MLPs over the edges of graphs, as in E(n) equivariant graph neural networks
// (Satorras et al., ICML 2021): the first one's inputs are gathered, and the last one's results summed over senders,
// in the pass that applies the activation. Arrays over edges are then moved as often as the products themselves ask.
//
// The first layer of phi_e(h_i, h_j, |x_i - x_j|^2, a_ij) is linear, W [h_i, h_j, ...] = A h_i + B h_j + ...: the
// products with A and B are taken over nodes, and PairSilu adds them up.
#ifndef ORBIT_KERNELS_EDGE_MLP_H_
#define ORBIT_KERNELS_EDGE_MLP_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// The edges of kernels/message_passing.h, sorted by the node that receives, and for gradients their numbers sorted by
// the one that sends. Arrays over nodes are [graphs, samples, n, ...]; those over edges hold one graph after another,
// of each its samples, of each its edges: `edges` rows in all.
struct GraphEdges {
  int64_t graphs, samples, n, edges;
  const int32_t *offsets, *sources;                                  // into a node, and where they come from
  const int32_t *reverse_offsets, *reverse_targets, *reverse_edges;  // out of a node, where they go, their numbers

  constexpr int64_t nodes() const { return graphs * samples * n; }
  // What added to the number of an edge gives its row.
  constexpr int64_t FirstRow(int64_t graph, int64_t sample) const {
    const int64_t first = offsets[graph * n], count = offsets[(graph + 1) * n] - first;
    return first * (samples - 1) + sample * count;
  }
};

// At most 8 scalars belong to an edge: where there are positions the squared distance, and its attributes.
struct PairShape {
  int64_t channels, attributes;
  bool distances;

  static constexpr int64_t kMaxScalars = 8;
  constexpr int64_t scalars() const { return attributes + (distances ? 1 : 0); }
};

template <class T>
struct PairInput {
  T* nodes;       // [nodes, 2, channels]: what a node gives as receiver, and what as sender
  T* positions;   // [nodes, 3], null without distances
  T* attributes;  // [edges, attributes]
  T* weight;      // [channels, scalars], of the squared distance first
  T* bias;        // [channels]
};

// y_e [edges, channels] = SiLU(receiver_i + sender_j + weight [|x_i - x_j|^2, attributes_e] + bias) for e = j -> i.
// Bytes: y once; what belongs to nodes stays in the cache.
template <class Device, class T>
void PairSilu(Device device, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input, T* y);

// The gradients of all inputs from dy, of the attributes where that is not null. Bytes: dy twice, once for receivers
// and once for senders, the second time from the cache where it fits.
template <class Device, class T>
void PairSiluBackward(Device device, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input,
                      const T* dy, const PairInput<T>& gradient);

// messages [edges, channels] = SiLU(x), and sums [nodes, channels] over those that a node receives; messages may be
// null. Bytes: x and messages once.
template <class Device, class T>
void SiluSum(Device device, const GraphEdges& edges, int64_t channels, const T* x, T* messages, T* sums);

// dx = SiLU'(x) (dmessages + dsums of the receiver); one of the two may be null. Bytes: x, dmessages and dx once.
template <class Device, class T>
void SiluSumBackward(Device device, const GraphEdges& edges, int64_t channels, const T* x, const T* dmessages,
                     const T* dsums, T* dx);

// moves [nodes, 3] = the mean over senders j of clamp((x_i - x_j) s_ij, -limit, limit), s_ij = weight . SiLU(p_ij), p
// [edges, channels], weight [channels]; 0 for a node without senders. scales [edges] gets s. Bytes: p once.
template <class Device, class T>
void MeanMoves(Device device, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
               const T* positions, T* scales, T* moves);

// Bytes: p and dp once.
template <class Device, class T>
void MeanMovesBackward(Device device, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
                       const T* positions, const T* scales, const T* dmoves, T* dp, T* dweight, T* dpositions);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_EDGE_MLP_H_
