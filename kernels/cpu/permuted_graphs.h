// What the kernels of permuted_linear.h on the host share.
#ifndef ORBIT_KERNELS_CPU_PERMUTED_GRAPHS_H_
#define ORBIT_KERNELS_CPU_PERMUTED_GRAPHS_H_

#include "kernels/permuted_linear.h"

namespace orbit::kernels {

// Whether every edge i -> j comes as often as j -> i.
bool IsSymmetric(const PermutedGraphs& graphs);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CPU_PERMUTED_GRAPHS_H_
