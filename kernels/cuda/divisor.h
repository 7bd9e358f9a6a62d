// Division by a number that is the same for a whole launch, by a multiplication: a GPU has no instruction for it, and
// divides 64-bit integers in about a hundred.
#ifndef ORBIT_KERNELS_CUDA_DIVISOR_H_
#define ORBIT_KERNELS_CUDA_DIVISOR_H_

#include <array>
#include <bit>
#include <cstdint>
#include <tuple>

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

// Granlund and Montgomery, Division by Invariant Integers using Multiplication (PLDI 1994), figure 4.1, for dividends
// of 0 to 2^63 - 1 and divisors of at least 1.
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(int64_t divisor) : divisor_(divisor), shift_(std::bit_width(static_cast<uint64_t>(divisor) - 1)) {
    const auto wide = static_cast<unsigned __int128>(1) << 64;
    const auto d = static_cast<unsigned __int128>(divisor);
    multiplier_ = static_cast<uint64_t>(wide * ((static_cast<unsigned __int128>(1) << shift_) - d) / d + 1);
  }

  __device__ int64_t Divide(int64_t dividend) const {
    const auto n = static_cast<uint64_t>(dividend);
    return static_cast<int64_t>((High(n, multiplier_) + n) >> shift_);
  }
  // The quotient; what remains is left in `rest`.
  __device__ int64_t Divide(int64_t dividend, int64_t& rest) const {
    const int64_t quotient = Divide(dividend);
    rest = dividend - quotient * divisor_;
    return quotient;
  }

 private:
  // The upper 64 bits of a product.
  static __device__ uint64_t High(uint64_t a, uint64_t b) {
#ifdef __CUDA_ARCH__
    return __umul64hi(a, b);
#else
    return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
#endif
  }

  int64_t divisor_ = 1;
  uint64_t multiplier_ = 1;
  int shift_ = 0;
};

// The sizes of a shape's axes, of the last one in vectors of `width` elements.
template <class Shape>
struct AxisDivisors {
  AxisDivisors(const Shape& shape, int width) {
    for (int axis = 0; axis < shape.axes; ++axis)
      sizes[axis] = Divisor(axis == shape.axes - 1 ? shape.size[axis] / width : shape.size[axis]);
  }

  std::array<Divisor, std::tuple_size_v<decltype(Shape::size)>> sizes;
};

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_DIVISOR_H_
