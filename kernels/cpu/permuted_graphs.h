// Shared by the CPU kernels of permuted_linear.h.
#ifndef ORBIT_KERNELS_CPU_PERMUTED_GRAPHS_H_
#define ORBIT_KERNELS_CPU_PERMUTED_GRAPHS_H_

#include "kernels/permuted_linear.h"

namespace orbit::kernels {

// Whether for all i and j there are as many edges i -> j as j -> i.
bool IsSymmetric(const PermutedGraphs& graphs);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_PERMUTED_GRAPHS_H_
