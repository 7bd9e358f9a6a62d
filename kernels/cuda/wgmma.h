// Matrix products by warpgroups on the tensor cores of compute capability 9.0 (PTX's wgmma). A warpgroup is four warps,
// the first of which has a number divisible by 4; all its lanes make the same calls.
//
//   WarpgroupProducts products(scores, q);         // begins, with the accumulators and the left operands
//   products.AddRows(q[step], keys.At(0, 0), step);  // any number of products, which run beside the threads
//   products.Wait();                                 // now the accumulators may be read
//
// The left operand is in registers: warp w of the warpgroup has rows 16 w to 16 w + 15 of it, and the same rows of the
// accumulators, in matrix.h's fragments of bf16 with k = 16. The right operand is in shared memory: rows of 64 channels
// in bf16, as Tile<BFloat16, 64, 1> has them, which starts at a multiple of 1,024 bytes.
#ifndef ORBIT_KERNELS_CUDA_WGMMA_H_
#define ORBIT_KERNELS_CUDA_WGMMA_H_

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/matrix.h"
#include "kernels/cuda/tensor_core_tile.h"

#ifndef __CUDACC__
#include <source_location>
#include <string>
#include <vector>

#include "kernels/error.h"
#endif

namespace orbit::kernels {
namespace {

inline constexpr int kWarpgroup = 128;  // threads

// The start of the tile, of whole rows of 128 bytes, that is in the dynamic shared memory of a launch with
// kWgmmaAlignment bytes more than the tile needs.
inline constexpr int kWgmmaAlignment = 1024;
template <class T>
__device__ T* AlignedShared(T* shared) {
  const auto address = reinterpret_cast<uintptr_t>(shared);
  return reinterpret_cast<T*>((address + kWgmmaAlignment - 1) / kWgmmaAlignment * kWgmmaAlignment);
}

__device__ __forceinline__ uint32_t OffsetInShared(const void* shared) {
#ifdef __CUDACC__
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
#else
  return static_cast<uint32_t>(static_cast<const char*>(shared) - static_cast<const char*>(simt::DynamicShared()));
#endif
}

// The descriptor of a right operand, in the PTX manual's words "matrix descriptor": its address; the distance of groups
// of eight rows, 1,024 bytes; rows of 128 bytes, permuted. The address, too, is permuted by the hardware, so that what
// lies 32 bytes further is the next 16 channels.
__device__ __forceinline__ uint64_t WgmmaOperand(const void* row, int step) {
  constexpr uint64_t kGroupBytes = 1024, kPermuted128Bytes = 1;
  const uint64_t address = OffsetInShared(row) + 32 * step;
  return address >> 4 | uint64_t{1} << 16 | kGroupBytes >> 4 << 32 | kPermuted128Bytes << 62;
}

// What the threads have written to shared memory is seen by the products to come, once a barrier follows: the tensor
// cores read it by another path, the "async proxy", than threads do.
__device__ __forceinline__ void PublishToWgmma() {
#ifdef __CUDACC__
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

#ifdef __CUDACC__

#define ORBIT_ACCUMULATORS(d) "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define ORBIT_EIGHT_ACCUMULATORS(d)                                                                       \
  ORBIT_ACCUMULATORS(d[0]), ORBIT_ACCUMULATORS(d[1]), ORBIT_ACCUMULATORS(d[2]), ORBIT_ACCUMULATORS(d[3]), \
      ORBIT_ACCUMULATORS(d[4]), ORBIT_ACCUMULATORS(d[5]), ORBIT_ACCUMULATORS(d[6]), ORBIT_ACCUMULATORS(d[7])
#define ORBIT_OPERANDS(a, b) "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
// The products of 64 columns, with the right operand as it is (0) or along its rows (1).
#define ORBIT_WGMMA_64(along_rows)                                                                                   \
  "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, "    \
  "%13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, {%32, %33, %34, " \
  "%35}, %36, 1, 1, 1, " #along_rows ";"

// Products for 8 kEights columns, 64 or 16.
template <int kEights>
class WarpgroupProducts {
 public:
  // The compiler may compute nothing of the accumulators and left operands behind the fence.
  template <int kLeft>
  __device__ __forceinline__ WarpgroupProducts(float (&accumulators)[kEights][4], Operand<BFloat16> (&left)[kLeft])
      : d_(accumulators) {
    PinAccumulators();
#pragma unroll
    for (int i = 0; i < kLeft; ++i)
#pragma unroll
      for (int word = 0; word < 4; ++word) asm volatile("" : "+r"(left[i].words[0][word])::"memory");
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  }
  WarpgroupProducts(const WarpgroupProducts&) = delete;

  // accumulators [64, 8 kEights] += a [64, 16] times (8 kEights rows from `row` on)^T, summed over channels 16 step and
  // following. `row` is a multiple of 8 rows from the start of the tile.
  __device__ __forceinline__ void AddRows(const Operand<BFloat16>& left, const void* row, int step) {
    const uint32_t(&a)[4] = left.words[0];
    static_assert(kEights == 8 || kEights == 2);
    if constexpr (kEights == 8)
      asm volatile(ORBIT_WGMMA_64(0) : ORBIT_EIGHT_ACCUMULATORS(d_) : ORBIT_OPERANDS(a, WgmmaOperand(row, step)));
    else
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11}, "
          "%12, 1, 1, 1, 0;"
          : ORBIT_ACCUMULATORS(d_[0]), ORBIT_ACCUMULATORS(d_[1])
          : ORBIT_OPERANDS(a, WgmmaOperand(row, step)));
  }

  // accumulators [64, 64 channels] += a [64, 16] times the 16 rows from `row` on, a multiple of 8 rows from the start.
  __device__ __forceinline__ void AddAlongRows(const Operand<BFloat16>& left, const void* row) {
    const uint32_t(&a)[4] = left.words[0];
    static_assert(kEights == 8);
    asm volatile(ORBIT_WGMMA_64(1) : ORBIT_EIGHT_ACCUMULATORS(d_) : ORBIT_OPERANDS(a, WgmmaOperand(row, 0)));
  }

  // To be called once, at the end.
  __device__ __forceinline__ void Wait() {
    asm volatile("wgmma.commit_group.sync.aligned;\n\twgmma.wait_group.sync.aligned 0;" ::: "memory");
    PinAccumulators();
  }

 private:
  __device__ __forceinline__ void PinAccumulators() {
#pragma unroll
    for (int i = 0; i < kEights; ++i) asm volatile("" : ORBIT_ACCUMULATORS(d_[i])::"memory");
  }

  float (&d_)[kEights][4];
};

#undef ORBIT_ACCUMULATORS
#undef ORBIT_EIGHT_ACCUMULATORS
#undef ORBIT_OPERANDS
#undef ORBIT_WGMMA_64

#else

// A product may read shared memory at any time between the call and Wait: the emulator reads it at both, and demands
// the same. Accumulators change at Wait.
template <int kEights>
class WarpgroupProducts {
 public:
  template <int kLeft>
  WarpgroupProducts(float (&accumulators)[kEights][4], Operand<BFloat16> (&)[kLeft]) : d_(accumulators) {}
  WarpgroupProducts(const WarpgroupProducts&) = delete;

  void AddRows(const Operand<BFloat16>& left, const void* row, int step,
               std::source_location where = std::source_location::current()) {
    Add({left, WgmmaOperand(row, step), false, where});
  }
  void AddAlongRows(const Operand<BFloat16>& left, const void* row,
                    std::source_location where = std::source_location::current()) {
    static_assert(kEights == 8);
    Add({left, WgmmaOperand(row, 0), true, where});
  }

  void Wait() {
    for (Product& product : products_) {
      Check(Read(product) == product.own, "wgmma at ", product.where.file_name(), ":", product.where.line(),
            ": its operand in shared memory changed before Wait");
      simt::MultiplyWarpgroup(d_, 8 * kEights, product.left.words[0], product.own, product.where);
    }
    products_.clear();
  }

 private:
  struct Product {
    Operand<BFloat16> left;
    uint64_t right;
    bool along_rows;
    std::source_location where;
    simt::WgmmaColumns own = {};
  };

  void Add(Product product) {
    product.own = Read(product);
    products_.push_back(product);
  }

  // The columns that this lane reads for all.
  static simt::WgmmaColumns Read(const Product& product) {
    simt::WgmmaColumns own;
    for (int i = 0; i < simt::kWgmmaColumns; ++i)
      for (int k = 0; k < 16; ++k) {
        const int column = static_cast<int>(simt::place->lane()) + 32 * i;
        own[i][k] = column < 8 * kEights ? *ElementAt(product.right, product.along_rows, column, k) : 0;
      }
    return own;
  }

  // Element (k, column) of a described operand.
  static const uint16_t* ElementAt(uint64_t descriptor, bool along_rows, int column, int k) {
    const auto bytes = [&](int bit) { return static_cast<uint32_t>(descriptor >> bit & 0x3fff) << 4; };
    Check(descriptor >> 62 == 1, "wgmma: operands are in rows of 128 bytes");
    const int row = along_rows ? k : column, channel = along_rows ? column : k;
    const uint32_t offset =
        bytes(0) + row / 8 * bytes(32) + row % 8 * 128 + channel / 64 * bytes(16) + channel % 64 * 2;
    const uint32_t permuted = offset ^ (offset >> 7 & 7) << 4;
    return reinterpret_cast<const uint16_t*>(static_cast<const char*>(simt::DynamicShared()) + permuted);
  }

  float (&d_)[kEights][4];
  std::vector<Product> products_;
};

#endif

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_WGMMA_H_
