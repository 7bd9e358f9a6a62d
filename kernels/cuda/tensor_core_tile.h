// Tiles of bf16 in shared memory for the tensor cores (matrix.h), and the way to and from arrays of bf16 or float.
//
// With g = lane / 4 and t = lane % 4, as there. A chunk is eight neighbouring channels, 16 bytes. A row in registers,
// of rows that a warp has as accumulators, or as an operand, is a word a chunk: channels 2 t and 2 t + 1 of it.
#ifndef ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_
#define ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_

#include <type_traits>

#include "kernels/bfloat16.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/vector.h"

namespace orbit::kernels {
namespace {

// d += a b for two blocks of 8 columns, whose operands are b[0], b[1] and b[2], b[3].
__device__ __forceinline__ void MultiplyTwo(float (&left)[4], float (&right)[4], const uint32_t (&a)[4],
                                            const uint32_t (&b)[4]) {
  const uint32_t b_left[2] = {b[0], b[1]}, b_right[2] = {b[2], b[3]};
  MultiplyBf16(left, a, b_left);
  MultiplyBf16(right, a, b_right);
}

using Chunk = uint4;

// Four lanes of the same g have four words each: lane t gets word t of all of them, in their order.
__device__ __forceinline__ void TransposeWords(uint32_t (&words)[4]) {
#pragma unroll
  for (int distance = 1; distance <= 2; distance *= 2) {
    const bool upper = threadIdx.x & distance;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int low = distance == 1 ? 2 * i : i, high = low + distance;
      const uint32_t got = __shfl_xor_sync(kAllLanes, upper ? words[low] : words[high], distance);
      words[low] = upper ? got : words[low];
      words[high] = upper ? words[high] : got;
    }
  }
}

// Rows of channels in an array; with kWhole every chunk of every row is there and aligned.
template <class T, bool kWhole>
struct Rows {
  T* data;
  int stride;  // between rows, in elements
  int count, channels;

  __device__ T* At(int row, int channel) const { return data + int64_t{row} * stride + channel; }
};

__device__ __forceinline__ float AsFloat(float value) { return value; }
__device__ __forceinline__ float AsFloat(BFloat16 value) { return ToFloat(value); }

// Channels `first` and following of a row, zeros beyond the last one; `first` is a channel of the row.
template <int kCount, class T, bool kWhole>
__device__ __forceinline__ void LoadFloats(float (&values)[kCount], const Rows<const T, kWhole>& rows, int row,
                                           int first) {
  if constexpr (kWhole) {
    constexpr int kWidth = kCount < kFullWidth<T> ? kCount : kFullWidth<T>;
#pragma unroll
    for (int i = 0; i < kCount; i += kWidth) {
      const auto vector = *reinterpret_cast<const Vector<T, kWidth>*>(rows.At(row, first + i));
#pragma unroll
      for (int e = 0; e < kWidth; ++e) values[i + e] = AsFloat(vector[e]);
    }
  } else {
#pragma unroll
    for (int e = 0; e < kCount; ++e) values[e] = first + e < rows.channels ? AsFloat(*rows.At(row, first + e)) : 0.0f;
  }
}

template <class T, bool kWhole>
__device__ __forceinline__ Chunk LoadChunk(const Rows<const T, kWhole>& rows, int row, int first) {
  if constexpr (std::is_same_v<T, BFloat16> && kWhole) {
    return *reinterpret_cast<const Chunk*>(rows.At(row, first));
  } else {
    float values[8];
    LoadFloats(values, rows, row, first);
    return make_uint4(ToBf16(values[0], values[1]), ToBf16(values[2], values[3]), ToBf16(values[4], values[5]),
                      ToBf16(values[6], values[7]));
  }
}

// Rows of kChannels, a power of two from 16 on. A row's chunks are permuted so that the same chunk of eight rows, which
// ldmatrix reads at once, lies in different banks. kTogether tiles alternate in memory, 16 rows of each, so that their
// addresses differ by constants.
template <int kChannels, int kTogether>
struct Tile {
  static constexpr int kChunks = kChannels / 8;
  static constexpr int kSteps = kChannels / 16;  // of a product along the channels
  static constexpr int kBlock = 16 * kChunks;    // chunks of 16 rows

  Chunk* chunks;  // aligned to 128 bytes

  // The i-th of the tiles that begin at `chunks`.
  static __device__ Tile Of(Chunk* chunks, int i) { return {chunks + i * kBlock}; }

  __device__ Chunk* At(int row, int chunk) const {
    return chunks + row / 16 * kTogether * kBlock + row % 16 * kChunks + (chunk ^ Permutation(row));
  }

  // Rows `first` to first + size of the array, size a multiple of 16, as rows 0 and following; zeros where there are no
  // such rows or channels. By threads of which the caller is number `rank`; bf16 comes as an asynchronous copy.
  template <class T, bool kWhole>
  __device__ void Load(const Rows<const T, kWhole>& rows, int first, int size, int rank, int threads) const {
    constexpr bool kAsynchronous = std::is_same_v<T, BFloat16> && kWhole;
    const int chunk = rank % kChunks, channel = 8 * chunk;
#pragma unroll kWhole && !kAsynchronous ? 2 : 1
    for (int row = rank / kChunks; row < size; row += threads / kChunks) {
      Chunk* to = At(row, chunk);
      if (first + row >= rows.count || channel >= rows.channels) {
        *to = {};
      } else if constexpr (kAsynchronous) {
        __pipeline_memcpy_async(to, rows.At(first + row, channel), sizeof(Chunk));
      } else {
        *to = LoadChunk(rows, first + row, channel);
      }
    }
  }

  // The operand a: rows from `row` on, a multiple of 16 as in what follows, channels from 16 step on.
  __device__ void Left(uint32_t (&a)[4], int row, int step) const {
    const int lane = threadIdx.x % 32;
    LoadMatrices(a, Address(row, lane % 16, step, lane / 16));
  }
  // Two operands b for a product along the channels: columns are rows from `row` on.
  __device__ void Right(uint32_t (&b)[4], int row, int step) const {
    const int lane = threadIdx.x % 32;
    LoadMatrices(b, Address(row, lane / 16 * 8 + lane % 8, step, lane / 8 % 2));
  }
  // Two operands b for a product along the rows from `row` on: columns are channels from 16 step on.
  __device__ void RightAlongRows(uint32_t (&b)[4], int row, int step) const {
    const int lane = threadIdx.x % 32;
    LoadMatricesTransposed(b, Address(row, lane % 16, step, lane / 16));
  }

 private:
  static __device__ int Permutation(int row) {
    constexpr int kPermuted = kChunks < 8 ? kChunks : 8, kRowsALine = 8 / kPermuted;
    return row / kRowsALine % kPermuted;
  }

  // Of chunk 2 step + half in row + within: one address for all steps of a row, but for two of its bits.
  __device__ const void* Address(int row, int within, int step, int half) const {
    const Chunk* start = chunks + row * kTogether * kChunks + within * kChunks + (half ^ Permutation(within));
#ifdef __CUDACC__
    const uint32_t a = static_cast<uint32_t>(__cvta_generic_to_shared(start));
    return __cvta_shared_to_generic((a ^ (2 * step % 8 * sizeof(Chunk))) + 2 * step / 8 * 8 * sizeof(Chunk));
#else
    return reinterpret_cast<const Chunk*>(reinterpret_cast<uintptr_t>(start) ^ 2 * step % 8 * sizeof(Chunk)) +
           2 * step / 8 * 8;
#endif
  }
};

// A row to registers; zeros where there is none.
template <int kChunks, class T, bool kWhole>
__device__ void LoadRow(uint32_t (&words)[kChunks], const Rows<const T, kWhole>& rows, int row) {
  const int t = threadIdx.x % 4;
  const bool exists = row < rows.count;
  if constexpr (std::is_same_v<T, BFloat16> && kWhole && kChunks % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kChunks; i += 4) {
      const int channel = 8 * (i + t);
      Chunk chunk = {};
      if (exists && channel < rows.channels) chunk = LoadChunk(rows, row, channel);
      uint32_t own[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
      TransposeWords(own);
#pragma unroll
      for (int j = 0; j < 4; ++j) words[i + j] = own[j];
    }
  } else {
#pragma unroll
    for (int i = 0; i < kChunks; ++i) {
      const int channel = 8 * i + 2 * t;
      float values[2] = {};
      if (exists && channel < rows.channels) LoadFloats(values, rows, row, channel);
      words[i] = ToBf16(values[0], values[1]);
    }
  }
}

// Row `row` of the array = factor times row g, or with kLower row g + 8, of accumulators.
template <bool kLower, int kChunks, class T, bool kWhole>
__device__ void StoreRow(const float (&sums)[kChunks][4], float factor, const Rows<T, kWhole>& rows, int row) {
  const int t = threadIdx.x % 4;
  const bool exists = row < rows.count;
  const auto value = [&](int chunk, int e) { return factor * sums[chunk][2 * kLower + e]; };
  if constexpr (std::is_same_v<T, BFloat16> && kWhole && kChunks % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kChunks; i += 4) {
      uint32_t own[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) own[j] = ToBf16(value(i + j, 0), value(i + j, 1));
      TransposeWords(own);
      const int channel = 8 * (i + t);
      if (exists && channel < rows.channels)
        reinterpret_cast<Chunk*>(rows.At(row, 0))[i + t] = make_uint4(own[0], own[1], own[2], own[3]);
    }
  } else {
    const auto rounded = [](float x) {
      if constexpr (std::is_same_v<T, BFloat16>)
        return ToBFloat16(x);
      else
        return x;
    };
#pragma unroll
    for (int i = 0; i < kChunks; ++i) {
      const int channel = 8 * i + 2 * t;
      const Vector<T, 2> pair = {{rounded(value(i, 0)), rounded(value(i, 1))}};
      if (!exists || channel >= rows.channels) continue;
      if constexpr (kWhole) {
        *reinterpret_cast<Vector<T, 2>*>(rows.At(row, channel)) = pair;
      } else {
        *rows.At(row, channel) = pair[0];
        if (channel + 1 < rows.channels) *rows.At(row, channel + 1) = pair[1];
      }
    }
  }
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_
