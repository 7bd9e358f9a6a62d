// The entropy of soft permutations: the regulariser of probabilistic symmetrization (Kim et al. 2023, appendix A).
//
// soft [batch, samples, n, n] has entries of at most 1. Of each matrix only the first num_nodes[b] rows and columns
// count (null: n). With p = max(soft, 1e-12), a column divided by its sum is a distribution over nodes and a row
// divided by its sum a distribution over ranks, and
//
//   entropy = sum over b of 1 / num_nodes[b] * sum over columns and rows of the mean over samples of H,
//
// where H = -sum q log q is the entropy of such a distribution q. A graph without nodes contributes 0.
#ifndef ORBIT_KERNELS_PERMUTATION_ENTROPY_H_
#define ORBIT_KERNELS_PERMUTATION_ENTROPY_H_

#include <cstdint>

#include "kernels/device.h"

namespace orbit::kernels {

// entropy [1].
template <class Device, class T>
void PermutationEntropy(Device device, int64_t batch, int64_t samples, int64_t n, const T* soft,
                        const int32_t* num_nodes, T* entropy);

// dsoft [batch, samples, n, n] = dentropy[0] d entropy / d soft + beta dsoft; beta is 0 (dsoft may be uninitialised) or
// 1. The gradient is 0 where soft < 1e-12, as for PyTorch's clamp, and beyond num_nodes[b].
template <class Device, class T>
void PermutationEntropyBackward(Device device, int64_t batch, int64_t samples, int64_t n, const T* soft,
                                const int32_t* num_nodes, const T* dentropy, T beta, T* dsoft);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PERMUTATION_ENTROPY_H_
