// Shared by kernels over edges that have a warp per node. The warp goes through the edges that its node receives, or
// sends, in order. The lanes share the channels: of every 32 kWidth channels a lane owns kWidth neighbouring ones.
#ifndef ORBIT_KERNELS_CUDA_NODE_EDGES_H_
#define ORBIT_KERNELS_CUDA_NODE_EDGES_H_

#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/edge_mlp.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr int64_t kMaxPartials = 512;  // blocks with partial gradients of weights

// A node of one sample of one graph.
struct Node {
  int64_t first_node;  // first node of its graph and sample, numbered across all
  int64_t first_row;   // the row of edge e is first_row + e
  int graph, node;

  // `index` numbers all nodes, of which there are fewer than 2^31.
  __device__ Node(const GraphEdges& edges, unsigned index) {
    const unsigned n = static_cast<unsigned>(edges.n), samples = static_cast<unsigned>(edges.samples);
    const unsigned map = index / n;
    node = static_cast<int>(index - map * n);
    graph = static_cast<int>(map / samples);
    first_node = int64_t{map} * n;
    first_row = edges.FirstRow(graph, map % samples);
  }

  __device__ int64_t index() const { return first_node + node; }

  // Calls f(sender, row) for every `step`-th edge into the node, from edge number `first` on.
  template <class F>
  __device__ void ForSenders(const GraphEdges& edges, F&& f, int first = 0, int step = 1) const {
    const int32_t* offsets = edges.offsets + int64_t{graph} * edges.n + node;
    for (int e = offsets[0] + first; e < offsets[1]; e += step) f(first_node + edges.sources[e], first_row + e);
  }

  // Calls f(receiver, row) for every `step`-th edge out of the node, from edge number `first` on.
  template <class F>
  __device__ void ForReceivers(const GraphEdges& edges, F&& f, int first = 0, int step = 1) const {
    const int32_t* offsets = edges.reverse_offsets + int64_t{graph} * edges.n + node;
    for (int r = offsets[0] + first; r < offsets[1]; r += step)
      f(first_node + edges.reverse_targets[r], first_row + edges.reverse_edges[r]);
  }
};

// Calls f(c) for each turn of the warp over the channels; c is the lane's first channel, `channels` or more if it has
// none.
template <int kWidth, class F>
__device__ void ForChannels(int channels, F&& f) {
  for (int c = static_cast<int>(threadIdx.x % 32) * kWidth, turn = 0; turn < channels;
       c += 32 * kWidth, turn += 32 * kWidth)
    f(c);
}

// Calls f(node) for the nodes of a block, one per warp at a time.
template <class F>
__device__ void ForNodes(const GraphEdges& edges, int nodes_per_block, F&& f) {
  const unsigned begin = blockIdx.x * nodes_per_block;
  const unsigned end = min(static_cast<unsigned>(edges.nodes()), begin + nodes_per_block);
  for (unsigned index = begin + threadIdx.x / 32; index < end; index += kWarps) f(Node(edges, index));
}

// Sums each lane's values over the warps of a block, in order; the lanes of the first warp get the sums. `shared` is
// [kWarps - 1, kValues, 32].
template <int kValues, class T>
__device__ void SumOverWarps(T (&values)[kValues], T* shared) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  __syncthreads();  // the previous contents have been read
  if (warp > 0)
#pragma unroll
    for (int i = 0; i < kValues; ++i) shared[((warp - 1) * kValues + i) * 32 + lane] = values[i];
  __syncthreads();
  if (warp > 0) return;
  for (int w = 0; w < kWarps - 1; ++w)
#pragma unroll
    for (int i = 0; i < kValues; ++i) values[i] += shared[(w * kValues + i) * 32 + lane];
}

template <class T, int kWidth>
__device__ Vector<T, kWidth> Load(const T* row, int c, int channels) {
  return c < channels ? *reinterpret_cast<const Vector<T, kWidth>*>(row + c) : Vector<T, kWidth>{};
}

template <class T, int kWidth>
__device__ void Store(const Vector<T, kWidth>& value, T* row, int c, int channels) {
  if (c < channels) *reinterpret_cast<Vector<T, kWidth>*>(row + c) = value;
}

// The number of blocks for a warp per node, at most `most`.
int64_t BlocksFor(const GraphEdges& edges, int64_t most = int64_t{1} << 30) {
  return std::min(most, DivideUp<int64_t>(edges.nodes(), kWarps));
}

template <class... Parameters, class... Arguments>
void LaunchOverNodes(const char* operation, Gpu gpu, const GraphEdges& edges, int64_t blocks,
                     void (*kernel)(GraphEdges, int, Parameters...), const Arguments&... arguments) {
  Launch(operation, gpu, dim3(blocks), dim3(kThreads), 0, kernel, edges,
         static_cast<int>(DivideUp(edges.nodes(), blocks)), static_cast<Parameters>(arguments)...);
}

// Calls f.template operator()<kWidth>() for pairs of channels, or for single ones.
template <class T, class F, class... Pointers>
void ForWidth(int64_t channels, F&& f, Pointers... pointers) {
  if (channels % 2 == 0 && IsAligned<T, 2>(pointers...)) return f.template operator()<2>();
  f.template operator()<1>();
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_NODE_EDGES_H_
