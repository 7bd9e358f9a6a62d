// The first layer of a vision transformer on permuted graphs, computed from their edges: the permuted image is not
// formed.
//
// Row (g, s) of the input is the image P^T X P [n, n, channels] of graph g under the permutation P of sample s. X has
// the features of every edge at (source, target) and the features of every node, in channels of their own, on the
// diagonal. Both axes are padded to grid * patch positions, and a convolution whose stride is its kernel makes a token
// of every patch. The layer adds one column of the weight [width, channels, patch, patch] for every pixel of an edge
// and every channel that is not 0 there.
#ifndef ORBIT_KERNELS_PATCH_TOKENS_H_
#define ORBIT_KERNELS_PATCH_TOKENS_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// What is beyond the ends of a b c d: 0 0, c b | c b, a a | d d, c d | a b.
enum class Padding : uint8_t { kZero, kReflect, kReplicate, kCircular };

// An axis of n ranks, of which rank r is at position before + r of grid * patch positions. By the padding it is at
// others, too.
struct PatchAxis {
  int n, patch, grid, before;
  Padding padding;

  constexpr int size() const { return patch * grid; }
  constexpr int after() const { return size() - n - before; }

  // A bound for the number of positions of a rank.
  constexpr int most_positions() const {
    if (padding == Padding::kZero) return 1;
    return padding == Padding::kReplicate ? 1 + before + after() : 3;
  }
  // Position k < most_positions() of a rank; -1 where it has none of this number.
  constexpr int Position(int rank, int k) const {
    if (k == 0) return before + rank;
    switch (padding) {
      case Padding::kZero:
        return -1;
      case Padding::kReflect:
        if (k == 1) return rank >= 1 && rank <= before ? before - rank : -1;
        return rank < n - 1 && rank >= n - 1 - after() ? before + 2 * (n - 1) - rank : -1;
      case Padding::kReplicate:
        if (k <= before) return rank == 0 ? k - 1 : -1;
        return rank == n - 1 ? n + k - 1 : -1;
      case Padding::kCircular:
        if (k == 1) return rank >= n - before ? rank + before - n : -1;
        return rank < after() ? before + n + rank : -1;
    }
    return -1;
  }
  // The rank at a position; -1 where there is none.
  constexpr int RankAt(int position) const {
    const int rank = position - before;
    if (rank >= 0 && rank < n) return rank;
    switch (padding) {
      case Padding::kZero:
        return -1;
      case Padding::kReflect:
        return rank < 0 ? -rank : 2 * (n - 1) - rank;
      case Padding::kReplicate:
        return rank < 0 ? 0 : n - 1;
      case Padding::kCircular:
        return rank < 0 ? rank + n : rank - n;
    }
    return -1;
  }
};

struct PatchedGraphs {
  int64_t graphs, samples;
  PatchAxis axis;
  int64_t edge_channels, node_channels;  // node_channels may be 0
  const int32_t* offsets;                // [graphs n + 1], as in kernels/message_passing.h
  const int32_t* sources;                // [edges]
  const int32_t* reverse_offsets;        // [graphs n + 1]: the edges out of node i of graph g
  const int32_t* reverse_sources;        // [edges]: where they lead
  const int32_t* reverse_edges;          // [edges]: their positions among `sources`
  const int32_t* index;                  // [graphs, samples, n]: the node at every rank
  const int32_t* ranks;                  // [graphs, samples, n]: the rank of every node
  int64_t edges;                         // of all graphs together
  const int32_t* num_nodes = nullptr;    // [graphs]: a graph's nodes have the ranks below this; null: n

  constexpr int64_t rows() const { return graphs * samples; }
  constexpr int64_t tokens() const { return int64_t{axis.grid} * axis.grid; }  // of a row
  constexpr int64_t channels() const { return edge_channels + node_channels; }
  constexpr int64_t pixels() const { return int64_t{axis.patch} * axis.patch; }  // of a patch
  constexpr int64_t columns() const { return channels() * pixels(); }
};

// In all of these: edge_features [edges, edge_channels], null for one channel of ones; node_features [graphs, n,
// node_channels]; weight [width, channels, patch, patch].

// y [graphs, samples, grid grid, width]. Bytes: y once; weights of a pixel for each edge, from a cache.
template <class Device, class T>
void PatchTokens(Device device, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                 const T* node_features, const T* weight, const T* bias, T* y);

// dweight [width, channels, patch, patch] from dy.
template <class Device, class T>
void PatchTokensBackward(Device device, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                         const T* node_features, const T* dy, T* dweight);

// The straight-through gradient dsoft [graphs, samples, n, n], one row per node and one column per rank, from dy. It is
// 0 for nodes and ranks beyond a graph's own. Flops: 2 * tokens * width * columns for every row; the host leaves out
// patches beyond a graph's ranks, and channels that are 0.
template <class Device, class T>
void PatchTokensStraightThrough(Device device, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                                const T* node_features, const T* weight, const T* dy, T* dsoft);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PATCH_TOKENS_H_
