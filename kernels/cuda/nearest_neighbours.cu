#include <limits>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/nearest_neighbours.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;

// The blocks of a graph share its nodes; a warp takes one node after another. k times, it finds the nearest of the
// nodes that come after the last one found, in the order of distance, then number. Distances from the node are in
// shared memory, [n] per warp. They are summed over the features in order, so that ties are the same as on the host.
// Bytes: x once, if a graph stays in cache, and index once. Flops: 3 n^2 d per graph.
template <class T>
__global__ void __launch_bounds__(kThreads) NearestKernel(int n, int d, int k, const T* x, int32_t* index) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  T* distances = DynamicShared<T>() + warp * n;
  x += int64_t{blockIdx.x} * n * d;
  index += int64_t{blockIdx.x} * n * k;
  for (int i = blockIdx.y * kWarps + warp; i < n; i += gridDim.y * kWarps) {
    for (int j = lane; j < n; j += 32) {
      T sum = 0;
      for (int c = 0; c < d; ++c) {
        const T difference = x[i * d + c] - x[j * d + c];
        sum += difference * difference;
      }
      distances[j] = j == i ? T(-1) : sum;  // every point is its own nearest neighbour
    }
    __syncwarp();
    T last = T(-2);
    int last_node = -1;
    for (int place = 0; place < k; ++place) {
      T best = std::numeric_limits<T>::infinity();
      int best_node = n;
      const auto take = [&](T distance, int node) {
        if (node < n && (best_node == n || distance < best || (distance == best && node < best_node))) {
          best = distance;
          best_node = node;
        }
      };
      for (int j = lane; j < n; j += 32) {
        const T distance = distances[j];
        // NaN comes last, in order of node number.
        const bool later = distance > last || (distance == last && j > last_node) ||
                           (distance != distance && (last == last || j > last_node));
        if (later) take(distance != distance ? std::numeric_limits<T>::infinity() : distance, j);
      }
#pragma unroll
      for (int step = 16; step > 0; step /= 2) {
        const T distance = __shfl_xor_sync(kAllLanes, best, step);
        take(distance, __shfl_xor_sync(kAllLanes, best_node, step));
      }
      if (lane == 0) index[i * k + place] = best_node;
      last = distances[best_node];
      last_node = best_node;
    }
    __syncwarp();  // the distances have been read
  }
}

}  // namespace

template <class Device, class T>
void NearestNeighbours(Device gpu, int64_t graphs, int64_t n, int64_t d, int64_t k, const T* x, int32_t* index) {
  if (graphs * n * k == 0) return;
  Launch("NearestNeighbours", gpu, dim3(graphs, DivideUp<int64_t>(n, 8 * kWarps)), dim3(kThreads),
         kWarps * n * sizeof(T), NearestKernel<T>, static_cast<int>(n), static_cast<int>(d), static_cast<int>(k), x,
         index);
}

template void NearestNeighbours(Gpu, int64_t, int64_t, int64_t, int64_t, const float*, int32_t*);
template void NearestNeighbours(Gpu, int64_t, int64_t, int64_t, int64_t, const double*, int32_t*);

}  // namespace orbit::kernels
