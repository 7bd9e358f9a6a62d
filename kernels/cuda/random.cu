#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector.h"
#include "kernels/random.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostRowsAtOnce = 1024;  // rows of blocks in a grid, which may have up to 65,535

struct Words {
  uint32_t words[4];
};

// Philox 4x32-10 (Salmon et al., SC 2011): ten rounds of two 32 x 32 bit products.
__device__ Words Philox(uint64_t seed, uint64_t stream, uint64_t block) {
  uint32_t a = static_cast<uint32_t>(block), b = static_cast<uint32_t>(block >> 32), c = static_cast<uint32_t>(stream),
           d = static_cast<uint32_t>(stream >> 32), key0 = static_cast<uint32_t>(seed),
           key1 = static_cast<uint32_t>(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const uint64_t left = uint64_t{0xD2511F53u} * a, right = uint64_t{0xCD9E8D57u} * c;
    a = static_cast<uint32_t>(right >> 32) ^ b ^ key0;
    b = static_cast<uint32_t>(right);
    c = static_cast<uint32_t>(left >> 32) ^ d ^ key1;
    d = static_cast<uint32_t>(left);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

// Both operations are rounded, as on the host, rather than contracted to one FMA.
__device__ float Scaled(float low, float range, float u) { return __fadd_rn(low, __fmul_rn(range, u)); }
__device__ double Scaled(double low, double range, double u) { return __dadd_rn(low, __dmul_rn(range, u)); }

__device__ void SinCos(float x, float* sine, float* cosine) { sincosf(x, sine, cosine); }
__device__ void SinCos(double x, double* sine, double* cosine) { sincos(x, sine, cosine); }

// Functions of four words. `i` is the element that the first word belongs to, relative to its row (negative if before
// the row); `row` is the offset of the row, which has `size` elements.
template <class T>
struct UniformNumbers {
  T low, range;
  __device__ Vector<T, 4> operator()(const Words& words, int64_t, int64_t, int64_t) const {
    Vector<T, 4> x;
#pragma unroll
    for (int e = 0; e < 4; ++e) x[e] = Scaled(low, range, static_cast<T>((words.words[e] >> 8) * 0x1p-24));
    return x;
  }
};

template <class T>
struct NormalNumbers {
  T mean, deviation;
  __device__ Vector<T, 4> operator()(const Words& words, int64_t, int64_t, int64_t) const {
    Vector<T, 4> x;
#pragma unroll
    for (int e = 0; e < 4; e += 2) {
      const T u = static_cast<T>((words.words[e] + 1.0) * 0x1p-32);
      const T angle = static_cast<T>(6.283185307179586 * (words.words[e + 1] * 0x1p-32));
      T sine, cosine;
      SinCos(angle, &sine, &cosine);
      const T radius = deviation * sqrt(T(-2) * log(u));
      x[e] = mean + radius * cosine;
      x[e + 1] = mean + radius * sine;
    }
    return x;
  }
};

template <class T>
struct Dropped {
  double p;
  SumType<T> scale;
  const T* x;
  __device__ Vector<T, 4> operator()(const Words& words, int64_t row, int64_t i, int64_t size) const {
    Vector<T, 4> y;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const bool kept = (words.words[e] >> 8) * 0x1p-24 >= p;
      y[e] = kept && i + e >= 0 && i + e < size ? FromSumType<T>(ToSumType(x[row + i + e]) * scale) : T{};
    }
    return y;
  }
};

// A thread computes the numbers of one block of four words of one row; thread blocks stride over the rows by gridDim.y.
// Bytes: y once; x once in Dropout.
template <class T, bool kWhole, class Make>
__global__ void __launch_bounds__(kThreads) FillKernel(RandomStream stream, StreamSlice slice, Make make, T* y) {
  const uint64_t number = stream.number + (stream.base ? static_cast<uint64_t>(*stream.base) : 0);
  for (int64_t row = blockIdx.y; row < slice.rows; row += gridDim.y) {
    const int64_t first = slice.first + row * slice.stride;
    const int64_t block = first / 4 + int64_t{blockIdx.x} * kThreads + threadIdx.x;
    const int64_t i = 4 * block - first;  // relative to the row
    if (i >= slice.size) continue;
    const Words words = Philox(stream.seed, number, static_cast<uint64_t>(block));
    const Vector<T, 4> values = make(words, row * slice.size, i, slice.size);
    T* to = y + row * slice.size + i;
    if (kWhole && i + 4 <= slice.size) {
      *reinterpret_cast<Vector<T, 4>*>(to) = values;
      continue;
    }
#pragma unroll
    for (int e = 0; e < 4; ++e)
      if (i + e >= 0 && i + e < slice.size) to[e] = values[e];
  }
}

template <class T, class Make>
void Fill(const char* name, Gpu gpu, RandomStream stream, const StreamSlice& slice, const Make& make, T* y) {
  if (slice.rows * slice.size == 0) return;
  const bool aligned =
      slice.first % 4 == 0 && IsAligned<T, 4>(y) && (slice.rows == 1 || (slice.size % 4 == 0 && slice.stride % 4 == 0));
  const int64_t most_blocks = (slice.size + 3 + 3) / 4;  // blocks that a row's numbers touch, wherever they begin
  const int64_t blocks = aligned ? DivideUp<int64_t>(slice.size, 4) : most_blocks;
  const dim3 grid(DivideUp<int64_t>(blocks, kThreads), std::min<int64_t>(slice.rows, kMostRowsAtOnce));
  const auto launch = [&](auto* kernel) { Launch(name, gpu, grid, dim3(kThreads), 0, kernel, stream, slice, make, y); };
  if (aligned)
    launch(FillKernel<T, true, Make>);
  else
    launch(FillKernel<T, false, Make>);
}

}  // namespace

template <class Device, class T>
void FillUniform(Device gpu, RandomStream stream, const StreamSlice& slice, T low, T high, T* x) {
  Fill("FillUniform", gpu, stream, slice, UniformNumbers<T>{low, high - low}, x);
}

template <class Device, class T>
void FillNormal(Device gpu, RandomStream stream, const StreamSlice& slice, T mean, T deviation, T* x) {
  Fill("FillNormal", gpu, stream, slice, NormalNumbers<T>{mean, deviation}, x);
}

template <class Device, class T>
void Dropout(Device gpu, RandomStream stream, const StreamSlice& slice, double p, const T* x, T* y) {
  Fill("Dropout", gpu, stream, slice, Dropped<T>{p, static_cast<SumType<T>>(1 / (1 - p)), x}, y);
}

#define ORBIT_INSTANTIATE(T)                                                  \
  template void FillUniform(Gpu, RandomStream, const StreamSlice&, T, T, T*); \
  template void FillNormal(Gpu, RandomStream, const StreamSlice&, T, T, T*);  \
  template void Dropout(Gpu, RandomStream, const StreamSlice&, double, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE
template void Dropout(Gpu, RandomStream, const StreamSlice&, double, const BFloat16*, BFloat16*);

}  // namespace orbit::kernels
