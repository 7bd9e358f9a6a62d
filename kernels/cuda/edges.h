// Edges of a graph in compressed sparse rows, as in kernels/message_passing.h.
#ifndef ORBIT_KERNELS_CUDA_EDGES_H_
#define ORBIT_KERNELS_CUDA_EDGES_H_

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

// The target of edge e in a graph of n > 0 nodes: the last node whose edges begin at or before e.
__device__ inline int TargetOf(const int32_t* offsets, int n, int e) {
  int low = 0, high = n;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (offsets[middle] <= e ? low : high) = middle;
  }
  return low;
}

// Calls f(target) for all edges of a graph that leave `source`, in order. All lanes of a warp call it, and all get
// every target.
template <class F>
__device__ void ForTargets(const int32_t* offsets, int n, const int32_t* sources, int source, F&& f) {
  const int lane = threadIdx.x % 32, end = offsets[n];
  for (int first = offsets[0]; first < end; first += 32) {
    const int e = first + lane;
    const bool leaves = e < end && sources[e] == source;
    const int target = leaves ? TargetOf(offsets, n, e) : 0;
    for (unsigned left = __ballot_sync(kAllLanes, leaves); left != 0; left &= left - 1)
      f(__shfl_sync(kAllLanes, target, __ffs(static_cast<int>(left)) - 1));
  }
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_EDGES_H_
