// Nearest neighbours among the nodes of a graph, measured by their features.
#ifndef ORBIT_KERNELS_NEAREST_NEIGHBOURS_H_
#define ORBIT_KERNELS_NEAREST_NEIGHBOURS_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// index [graphs, n, k]: the k nodes nearest to each node of x [graphs, n, d], the nearest first and the lower number
// first among equals; a node is its own nearest. 1 <= k <= n.
// On GPUs distances stay in shared memory: Error beyond n = 14,464 (float) or 7,232 (double) on compute capability 9.0.
template <class Device, class T>
void NearestNeighbours(Device device, int64_t graphs, int64_t n, int64_t d, int64_t k, const T* x, int32_t* index);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_NEAREST_NEIGHBOURS_H_
