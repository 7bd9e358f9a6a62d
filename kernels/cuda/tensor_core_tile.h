// Tiles of bf16 or TF32 in shared memory for the tensor cores (matrix.h), and their transfer from and to arrays of bf16
// or float.
//
// As in matrix.h, g = lane / 4 and t = lane % 4. A chunk is 16 bytes of neighbouring channels, eight of bf16 or four of
// TF32, and the instructions take two chunks of a row at a time. Where a warp has rows in registers, as operands, a
// lane holds word t of every chunk of a row; as accumulators, it holds channels 2 t and 2 t + 1 of every eight.
//
// Products are written in blocks of 16 x 16 elements, which is one instruction's operand in bf16 and two in TF32.
#ifndef ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_
#define ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_

#include <numeric>
#include <type_traits>

#include "kernels/bfloat16.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/vector.h"

namespace orbit::kernels {
namespace {

// A block of 16 x 16 elements E, BFloat16 or Tf32, as an operand, left (a) or right (b): words[s] belong to the s-th
// step along the sum. Those of the right operand are b of columns 0 to 7, then b of columns 8 to 15.
template <class E>
struct Operand {
  static constexpr int kSteps = sizeof(E) / 2;
  uint32_t words[kSteps][4];
};

// left += a b of columns 0 to 7, right += a b of columns 8 to 15.
template <class E>
__device__ __forceinline__ void MultiplyLeft(float (&left)[4], const Operand<E>& a, const Operand<E>& b) {
#pragma unroll
  for (int s = 0; s < Operand<E>::kSteps; ++s) {
    const uint32_t b_left[2] = {b.words[s][0], b.words[s][1]};
    if constexpr (std::is_same_v<E, Tf32>)
      MultiplyTf32(left, a.words[s], b_left);
    else
      MultiplyBf16(left, a.words[s], b_left);
  }
}
template <class E>
__device__ __forceinline__ void MultiplyTwo(float (&left)[4], float (&right)[4], const Operand<E>& a,
                                            const Operand<E>& b) {
  MultiplyLeft(left, a, b);
  Operand<E> b_right;
#pragma unroll
  for (int s = 0; s < Operand<E>::kSteps; ++s) {
    b_right.words[s][0] = b.words[s][2];
    b_right.words[s][1] = b.words[s][3];
  }
  MultiplyLeft(right, a, b_right);
}
// The same, where sums have only the first eight terms.
template <class E>
__device__ __forceinline__ void MultiplyTwoHalves(float (&left)[4], float (&right)[4], const Operand<E>& a,
                                                  const Operand<E>& b) {
  if constexpr (std::is_same_v<E, Tf32>) {
    const uint32_t b_left[2] = {b.words[0][0], b.words[0][1]}, b_right[2] = {b.words[0][2], b.words[0][3]};
    MultiplyTf32(left, a.words[0], b_left);
    MultiplyTf32(right, a.words[0], b_right);
  } else {
    const uint32_t a_half[2] = {a.words[0][0], a.words[0][1]};
    MultiplyBf16(left, a_half, b.words[0][0]);
    MultiplyBf16(right, a_half, b.words[0][2]);
  }
}

// The left operand whose columns are those of two accumulators. The sum along them is in the order of
// Tile::RightAlongRows.
template <class E>
__device__ __forceinline__ Operand<E> ToOperand(const float (&left)[4], const float (&right)[4]) {
  if constexpr (std::is_same_v<E, Tf32>)
    return {{{ToTf32(left[0]), ToTf32(left[2]), ToTf32(left[1]), ToTf32(left[3])},
             {ToTf32(right[0]), ToTf32(right[2]), ToTf32(right[1]), ToTf32(right[3])}}};
  else
    return {
        {{ToBf16(left[0], left[1]), ToBf16(left[2], left[3]), ToBf16(right[0], right[1]), ToBf16(right[2], right[3])}}};
}

using Chunk = uint4;

template <class E>
constexpr int kChunkElements = sizeof(Chunk) / sizeof(E);

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

template <class E, class T, bool kWhole>
__device__ __forceinline__ Chunk LoadChunk(const Rows<const T, kWhole>& rows, int row, int first) {
  if constexpr (std::is_same_v<T, E> && kWhole) {
    return *reinterpret_cast<const Chunk*>(rows.At(row, first));
  } else {
    float values[kChunkElements<E>];
    LoadFloats(values, rows, row, first);
    if constexpr (std::is_same_v<E, Tf32>)
      return make_uint4(ToTf32(values[0]), ToTf32(values[1]), ToTf32(values[2]), ToTf32(values[3]));
    else
      return make_uint4(ToBf16(values[0], values[1]), ToBf16(values[2], values[3]), ToBf16(values[4], values[5]),
                        ToBf16(values[6], values[7]));
  }
}

// Loads a row into registers; zeros if it does not exist.
template <class E, int kChunks, class T, bool kWhole>
__device__ void LoadRow(uint32_t (&words)[kChunks], const Rows<const T, kWhole>& rows, int row) {
  const int t = threadIdx.x % 4;
  const bool exists = row < rows.count;
  if constexpr (sizeof(T) == sizeof(E) && kWhole && kChunks % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kChunks; i += 4) {
      const int channel = kChunkElements<E> * (i + t);
      Chunk chunk = {};
      if (exists && channel < rows.channels) chunk = LoadChunk<E>(rows, row, channel);
      uint32_t own[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
      TransposeWords(own);
#pragma unroll
      for (int j = 0; j < 4; ++j) words[i + j] = own[j];
    }
  } else {
    constexpr int kCount = 4 / sizeof(E);  // elements of a word
#pragma unroll
    for (int i = 0; i < kChunks; ++i) {
      const int channel = kChunkElements<E> * i + kCount * t;
      float values[kCount] = {};
      if (exists && channel < rows.channels) LoadFloats(values, rows, row, channel);
      if constexpr (std::is_same_v<E, Tf32>)
        words[i] = ToTf32(values[0]);
      else
        words[i] = ToBf16(values[0], values[1]);
    }
  }
}

// Rows of kChannels channels, a multiple of 8. The chunks of a row are permuted so that the same chunk of eight rows,
// which ldmatrix reads at once, lies in different banks. kTogether tiles alternate in memory, 16 rows of each, so that
// their addresses differ by constants.
template <class E, int kChannels, int kTogether>
struct Tile {
  static constexpr int kChunks = kChannels / kChunkElements<E>;
  static constexpr int kEights = kChannels / 8;         // accumulators along the channels
  static constexpr int kSteps = (kChannels + 15) / 16;  // blocks along the channels, of which the last may be a half
  static constexpr int kBlock = 16 * kChunks;           // chunks per 16 rows

  static constexpr bool IsHalf(int step) { return 2 * step + 1 == kEights; }

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
    constexpr bool kAsynchronous = std::is_same_v<T, E> && kWhole;
    const int chunk = rank % kChunks, channel = kChunkElements<E> * chunk, step = threads / kChunks;
    if (rank >= step * kChunks) return;
#pragma unroll kWhole && !kAsynchronous ? 2 : 1
    for (int row = rank / kChunks; row < size; row += step) {
      Chunk* to = At(row, chunk);
      if (first + row >= rows.count || channel >= rows.channels) {
        *to = {};
      } else if constexpr (kAsynchronous) {
        __pipeline_memcpy_async(to, rows.At(first + row, channel), sizeof(Chunk));
      } else {
        *to = LoadChunk<E>(rows, first + row, channel);
      }
    }
  }

  // Writes what ToOperand made of accumulators to 16 rows from `row` on, channels 0 to 15.
  __device__ void Store(const Operand<E>& block, int row) const {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        if constexpr (std::is_same_v<E, Tf32>)
          static_cast<Vector<uint32_t, 2>*>(Address(row, g, i, t / 2, 8 * half))[t % 2] = {
              {block.words[i][half], block.words[i][2 + half]}};
        else
          static_cast<uint32_t*>(Address(row, g, 0, i, 8 * half))[t] = block.words[0][2 * i + half];
      }
  }

  // Loads the left operands of all steps from an array: 16 rows from `first` on.
  template <class T, bool kWhole>
  static __device__ void LoadLeft(Operand<E> (&a)[kSteps], const Rows<const T, kWhole>& rows, int first) {
    const int g = threadIdx.x % 32 / 4;
    uint32_t upper[kChunks], lower[kChunks];
    LoadRow<E>(upper, rows, first + g);
    LoadRow<E>(lower, rows, first + g + 8);
#pragma unroll
    for (int i = 0; i < kChunks; ++i) {
      uint32_t(&words)[4] = a[i / (2 * Operand<E>::kSteps)].words[i / 2 % Operand<E>::kSteps];
      words[i % 2 * 2] = upper[i];
      words[i % 2 * 2 + 1] = lower[i];
    }
  }

  // Loads the left operand: 16 rows from `row` on, a multiple of 16 here and below, and 16 channels from 16 step on.
  __device__ void Left(Operand<E>& a, int row, int step) const {
    const int lane = threadIdx.x % 32;
    ForPairs(step, [&](int s, int pair) { LoadMatrices(a.words[s], Address(row, lane % 16, pair, lane / 16)); });
  }
  // Loads the right operand of a product along the channels: its columns are 16 rows from `row` on.
  __device__ void Right(Operand<E>& b, int row, int step) const {
    const int lane = threadIdx.x % 32;
    ForPairs(step, [&](int s, int pair) {
      LoadMatrices(b.words[s], Address(row, lane / 16 * 8 + lane % 8, pair, lane / 8 % 2));
    });
  }
  // Loads the right operand of a product along the rows from `row` on: its columns are 16 channels from 16 step on. In
  // TF32 the sum along the rows is in the order in which accumulators have their columns: of every eight rows first
  // those with even numbers, then the others.
  __device__ void RightAlongRows(Operand<E>& b, int row, int step) const {
    const int lane = threadIdx.x % 32;
    if constexpr (std::is_same_v<E, Tf32>) {
#pragma unroll
      for (int s = 0; s < 2; ++s)
#pragma unroll
        for (int i = 0; i < (IsHalf(step) ? 2 : 4); ++i) {
          const void* chunk = Address(row, lane % 4 * 2, 2 * step + i / 2, lane / 16, 8 * s + i % 2);
          b.words[s][i] = static_cast<const uint32_t*>(chunk)[lane / 4 % 4];
        }
    } else {
      LoadMatricesTransposed(b.words[0], Address(row, lane % 16, step, lane / 16));
    }
  }
  // The same as a left operand, whose rows are the channels.
  __device__ void LeftAlongRows(Operand<E>& a, int row, int step) const {
    Operand<E> b;
    RightAlongRows(b, row, step);
#pragma unroll
    for (int s = 0; s < Operand<E>::kSteps; ++s)
#pragma unroll
      for (int i = 0; i < 4; ++i) a.words[s][i] = b.words[s][i / 2 + i % 2 * 2];
  }

  // scores [16, 16] += own block times (16 rows of this tile)^T, summed over the channels of one step.
  static __device__ void MultiplyStep(float (&scores)[2][4], const Operand<E>& own, const Operand<E>& rows, int step) {
    if (IsHalf(step))
      MultiplyTwoHalves(scores[0], scores[1], own, rows);
    else
      MultiplyTwo(scores[0], scores[1], own, rows);
  }
  // The same summed over all channels, for each of kTall blocks of 16 own rows.
  template <int kTall>
  __device__ void MultiplyRows(float (&scores)[kTall][2][4], const Operand<E> (&own)[kTall][kSteps], int row) const {
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      Operand<E> b;
      Right(b, row, step);
#pragma unroll
      for (int i = 0; i < kTall; ++i) MultiplyStep(scores[i], own[i][step], b, step);
    }
  }
  // sums [16, channels] += x [16, 16] times 16 rows of this tile, for each of kTall x.
  template <int kTall>
  __device__ void MultiplyAlongRows(float (&sums)[kTall][kEights][4], const Operand<E> (&x)[kTall], int row) const {
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      Operand<E> b;
      RightAlongRows(b, row, step);
#pragma unroll
      for (int i = 0; i < kTall; ++i)
        if (IsHalf(step))
          MultiplyLeft(sums[i][2 * step], x[i], b);
        else
          MultiplyTwo(sums[i][2 * step], sums[i][2 * step + 1], x[i], b);
    }
  }

 private:
  // The chunks of a line of 128 bytes are permuted in groups of so many.
  static constexpr int kPermuted = std::gcd(kChunks, 8);

  static __device__ int Permutation(int row) { return row / (8 / kPermuted) % kPermuted; }

  // Calls f(s, pair of chunks) for the pairs of a step that exist.
  template <class F>
  static __device__ void ForPairs(int step, F&& f) {
#pragma unroll
    for (int s = 0; s < Operand<E>::kSteps; ++s) {
      const int pair = Operand<E>::kSteps * step + s;
      if (2 * pair < kChunks) f(s, pair);
    }
  }

  // The address of chunk 2 pair + half in row `row + within + more`; where there is no such chunk, of the one before.
  // `more` is 0 or 8, or with an even `within` 1 or 9. For all pairs and `more` the address is the same up to some of
  // its bits and a constant.
  __device__ void* Address(int row, int within, int pair, int half, int more = 0) const {
    if (2 * pair + 1 == kChunks) half = 0;
    const Chunk* start = chunks + row * kTogether * kChunks + within * kChunks + (half ^ Permutation(within));
    const int changed = (2 * pair % kPermuted ^ Permutation(more)) * sizeof(Chunk);
    const int added = 2 * pair / kPermuted * kPermuted + more * kChunks;
#ifdef __CUDACC__
    const uint32_t a = static_cast<uint32_t>(__cvta_generic_to_shared(start));
    return __cvta_shared_to_generic((a ^ changed) + added * sizeof(Chunk));
#else
    return reinterpret_cast<Chunk*>(reinterpret_cast<uintptr_t>(start) ^ changed) + added;
#endif
  }
};

// Row `row` of the array = factor times row g of the accumulators, or row g + 8 if kLower.
template <bool kLower, int kEights, class T, bool kWhole>
__device__ void StoreRow(const float (&sums)[kEights][4], float factor, const Rows<T, kWhole>& rows, int row) {
  const int t = threadIdx.x % 4;
  const bool exists = row < rows.count;
  const auto value = [&](int chunk, int e) { return factor * sums[chunk][2 * kLower + e]; };
  if constexpr (std::is_same_v<T, BFloat16> && kWhole && kEights % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kEights; i += 4) {
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
    for (int i = 0; i < kEights; ++i) {
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

// The 16 rows from `row` on of the array = factor times the accumulators.
template <int kEights, class T, bool kWhole>
__device__ void StoreRows(const float (&sums)[kEights][4], float factor, const Rows<T, kWhole>& rows, int row) {
  const int g = threadIdx.x % 32 / 4;
  StoreRow<false>(sums, factor, rows, row + g);
  StoreRow<true>(sums, factor, rows, row + g + 8);
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_TENSOR_CORE_TILE_H_
