// Tiles of bf16 in shared memory for the tensor cores (matrix.h), and their transfer from and to arrays of bf16 or
// float.
//
// As in matrix.h, g = lane / 4 and t = lane % 4. A chunk is eight neighbouring channels, 16 bytes. Where a warp has
// rows in registers, as accumulators or operands, a lane holds one word per chunk of a row: its channels 2 t and 2 t +
// 1.
#ifndef ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_
#define ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_

#include <type_traits>

#include "kernels/bfloat16.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/vector.h"

namespace orbit::kernels {
namespace {

// d += a b for two blocks of 8 columns: b[0], b[1] are the operand of the left block, b[2], b[3] of the right one.
__device__ __forceinline__ void MultiplyTwo(float (&left)[4], float (&right)[4], const uint32_t (&a)[4],
                                            const uint32_t (&b)[4]) {
  const uint32_t b_left[2] = {b[0], b[1]}, b_right[2] = {b[2], b[3]};
  MultiplyBf16(left, a, b_left);
  MultiplyBf16(right, a, b_right);
}

using Chunk = uint4;

// Transposes 4 x 4 words among the four lanes with the same g: lane t gets word t of each of them, in order.
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

// Rows of channels in an array; kWhole means that all rows consist of whole, aligned chunks.
template <class T, bool kWhole>
struct Rows {
  T* data;
  int stride;  // elements between rows
  int count, channels;

  __device__ T* At(int row, int channel) const { return data + int64_t{row} * stride + channel; }
};

__device__ __forceinline__ float AsFloat(float value) { return value; }
__device__ __forceinline__ float AsFloat(BFloat16 value) { return ToFloat(value); }

// Loads kCount channels of a row from `first` on, zeros beyond the last one; `first` must be a channel of the row.
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

// Rows of kChannels channels, a power of two >= 16. The chunks of a row are permuted so that the same chunk of eight
// rows, which ldmatrix reads at once, lies in different banks. kTogether tiles alternate in memory, 16 rows of each, so
// that their addresses differ by constants.
template <int kChannels, int kTogether>
struct Tile {
  static constexpr int kChunks = kChannels / 8;
  static constexpr int kSteps = kChannels / 16;  // steps of a product along the channels
  static constexpr int kBlock = 16 * kChunks;    // chunks per 16 rows

  Chunk* chunks;  // aligned to 128 bytes

  // The i-th of the kTogether tiles that begin at `chunks`.
  static __device__ Tile Of(Chunk* chunks, int i) { return {chunks + i * kBlock}; }

  __device__ Chunk* At(int row, int chunk) const {
    return chunks + row / 16 * kTogether * kBlock + row % 16 * kChunks + (chunk ^ Permutation(row));
  }

  // Loads rows [first, first + size) of the array, size a multiple of 16, into the tile's rows 0 and following; missing
  // rows and channels become zeros. The caller is number `rank` of `threads` threads. bf16 is copied asynchronously.
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

  // Loads the operand a: 16 rows from `row` on, a multiple of 16 here and below, and 16 channels from 16 step on.
  __device__ void Left(uint32_t (&a)[4], int row, int step) const {
    const int lane = threadIdx.x % 32;
    LoadMatrices(a, Address(row, lane % 16, step, lane / 16));
  }
  // Loads two operands b for a product along the channels: their columns are 16 rows from `row` on.
  __device__ void Right(uint32_t (&b)[4], int row, int step) const {
    const int lane = threadIdx.x % 32;
    LoadMatrices(b, Address(row, lane / 16 * 8 + lane % 8, step, lane / 8 % 2));
  }
  // Loads two operands b for a product along the rows from `row` on: their columns are 16 channels from 16 step on.
  __device__ void RightAlongRows(uint32_t (&b)[4], int row, int step) const {
    const int lane = threadIdx.x % 32;
    LoadMatricesTransposed(b, Address(row, lane % 16, step, lane / 16));
  }

 private:
  static __device__ int Permutation(int row) {
    constexpr int kPermuted = kChunks < 8 ? kChunks : 8, kRowsALine = 8 / kPermuted;
    return row / kRowsALine % kPermuted;
  }

  // The address of chunk 2 step + half in row `row + within`. For all steps of a row it is the same up to two of its
  // bits.
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

// Loads a row into registers; zeros if it does not exist.
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

// Row `row` of the array = factor times row g of the accumulators, or row g + 8 if kLower.
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
