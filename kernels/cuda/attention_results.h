// What attention's forward on tensor cores has in registers of its results.
#ifndef ORBIT_KERNELS_CUDA_ATTENTION_RESULTS_H_
#define ORBIT_KERNELS_CUDA_ATTENTION_RESULTS_H_

#include <limits>

#include "kernels/cuda/attention_head.h"

namespace orbit::kernels {
namespace {

// The results of the 16 kTall queries that a warp owns, for the keys that it has attended to so far: accumulators
// (matrix.h) of 16 queries and 8 kEights channels each. Exponentials are relative to the largest score so far, which
// each step may raise (Milakov and Gimelshein, Online normalizer calculation for softmax, 2018).
template <int kEights, int kTall>
struct AttentionResults {
  float sums[kTall][kEights][4] = {};  // of values times exponentials

  __device__ AttentionResults() {
#pragma unroll
    for (int i = 0; i < kTall; ++i)
      for (int half = 0; half < 2; ++half) largest[i][half] = -std::numeric_limits<float>::infinity();
  }

  // Turns the scores of the i-th 16 queries with 8 kCount keys, of which the first `exist` >= 1 belong to the sequence,
  // into exponentials, and adds these to the total. score(j, e) is accumulator e of keys 8 j to 8 j + 7; scale * score
  // is a logarithm to base 2.
  template <int kCount, class Score>
  __device__ __forceinline__ void ToProbabilities(int i, Score&& score, int exist, float scale) {
    if (exist < 8 * kCount) {
      const int t = threadIdx.x % 4;
#pragma unroll
      for (int j = 0; j < kCount; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e)
          if (8 * j + 2 * t + e % 2 >= exist) score(j, e) = -std::numeric_limits<float>::infinity();
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float highest = largest[i][half];
#pragma unroll
      for (int j = 0; j < kCount; ++j) highest = max(highest, max(score(j, 2 * half), score(j, 2 * half + 1)));
      highest = max(highest, __shfl_xor_sync(kAllLanes, highest, 1));
      highest = max(highest, __shfl_xor_sync(kAllLanes, highest, 2));
      const float shift = highest * scale, shrink = Exp2(largest[i][half] * scale - shift);
      largest[i][half] = highest;
      total[i][half] *= shrink;
#pragma unroll
      for (int j = 0; j < kCount; ++j)
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          score(j, e) = Exp2(score(j, e) * scale - shift);
          total[i][half] += score(j, e);
        }
#pragma unroll
      for (int c = 0; c < kEights; ++c) {
        sums[i][c][2 * half] *= shrink;
        sums[i][c][2 * half + 1] *= shrink;
      }
    }
  }

  // Writes the results to the rows from `first` on, and the logarithms of the sums of exponentials.
  template <class T, bool kWhole>
  __device__ void Store(const Rows<T, kWhole>& y, float* log_sums, int first, float scale) {
#pragma unroll
    for (int i = 0; i < kTall; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        total[i][half] += __shfl_xor_sync(kAllLanes, total[i][half], 1);
        total[i][half] += __shfl_xor_sync(kAllLanes, total[i][half], 2);
      }
      const int row = first + 16 * i + threadIdx.x % 32 / 4;
      StoreRow<false>(sums[i], 1.0f / total[i][0], y, row);
      StoreRow<true>(sums[i], 1.0f / total[i][1], y, row + 8);
      if (threadIdx.x % 4 > 0) continue;
      if (row < y.count) log_sums[row] = largest[i][0] * scale * kLn2 + logf(total[i][0]);
      if (row + 8 < y.count) log_sums[row + 8] = largest[i][1] * scale * kLn2 + logf(total[i][1]);
    }
  }

 private:
  float largest[kTall][2];
  float total[kTall][2] = {};  // over this lane's columns
};

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ATTENTION_RESULTS_H_
