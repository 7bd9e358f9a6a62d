#include "kernels/permute.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/error.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

void CheckOrder(int order) { Check(order == 1 || order == 2, "Permute: the order must be 1 or 2, got ", order); }

// Items per task.
int64_t Grain(int64_t work_per_item) { return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, work_per_item)); }

// For every row and position, where the position's value comes from: index or, if `inverse`, its inverse permutation.
std::vector<int32_t> Sources(int64_t rows, int64_t n, bool inverse, const int32_t* index) {
  if (!inverse) return {index, index + rows * n};
  std::vector<int32_t> sources(rows * n);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t r = 0; r < n; ++r) sources[row * n + index[row * n + r]] = static_cast<int32_t>(r);
  return sources;
}

// y[j, :] = x[source[j], :], or += if `add`. kChannels is the number of channels if known at compile time, else 0.
template <int kChannels, bool add, class T>
void GatherNodes(int64_t n, int64_t channels, const int32_t* source, const T* x, T* y) {
  const int64_t size = kChannels > 0 ? kChannels : channels;
  for (int64_t j = 0; j < n; ++j) {
    const T* from = x + source[j] * size;
    T* to = y + j * size;
    for (int64_t c = 0; c < size; ++c) to[c] = add ? to[c] + from[c] : from[c];
  }
}

template <bool add, class T>
void GatherNodes(int64_t n, int64_t channels, const int32_t* source, const T* x, T* y) {
  switch (channels) {
    case 1:
      return GatherNodes<1, add>(n, channels, source, x, y);
    case 2:
      return GatherNodes<2, add>(n, channels, source, x, y);
    case 3:
      return GatherNodes<3, add>(n, channels, source, x, y);
    case 4:
      return GatherNodes<4, add>(n, channels, source, x, y);
    case 8:
      return GatherNodes<8, add>(n, channels, source, x, y);
    default:
      return GatherNodes<0, add>(n, channels, source, x, y);
  }
}

// Position i of y [n, ...] = position source[i] of x, or += if `add`. For order 2 the second axis is permuted by
// `source` as well.
template <bool add, class T>
void GatherPosition(int order, int64_t n, int64_t channels, const int32_t* source, int64_t i, const T* x, T* y) {
  const int64_t size = order == 1 ? channels : n * channels;
  if (order == 1)
    GatherNodes<add>(1, channels, source + i, x, y + i * size);
  else
    GatherNodes<add>(n, channels, source, x + source[i] * size, y + i * size);
}

// b[s, c, i] = a[source[s], i, c], or a[s, i, c] if source is null; a is [n, n, channels], b [n, channels, n].
template <class T>
void ChannelsFirst(int64_t n, int64_t channels, const int32_t* source, const T* a, T* b) {
  for (int64_t s = 0; s < n; ++s) {
    const T* from = a + (source ? source[s] : s) * n * channels;
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < n; ++i) b[(s * channels + c) * n + i] = from[i * channels + c];
  }
}

}  // namespace

template <class Device, class T>
void Permute(Device, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels, bool transpose,
             const int32_t* index, const T* x, T* y) {
  CheckOrder(order);
  const int64_t size = order == 1 ? n * channels : n * n * channels;
  const std::vector<int32_t> sources = Sources(rows, n, !transpose, index);
  ParallelFor(rows, Grain(size), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t i = 0; i < n; ++i)
        GatherPosition<false>(order, n, channels, sources.data() + row * n, i, x + row / repeat * size, y + row * size);
  });
}

template <class Device, class T>
void PermuteBackward(Device, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels, bool transpose,
                     const int32_t* index, const T* dy, T* dx) {
  CheckOrder(order);
  const int64_t size = order == 1 ? n * channels : n * n * channels;
  const std::vector<int32_t> sources = Sources(rows, n, transpose, index);
  ParallelFor(rows / repeat, Grain(size * repeat), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t row = b * repeat; row < (b + 1) * repeat; ++row)
        for (int64_t i = 0; i < n; ++i) {
          const int32_t* source = sources.data() + row * n;
          if (row == b * repeat)
            GatherPosition<false>(order, n, channels, source, i, dy + row * size, dx + b * size);
          else
            GatherPosition<true>(order, n, channels, source, i, dy + row * size, dx + b * size);
        }
  });
}

template <class Device, class T>
void PermuteStraightThrough(Device, int order, int64_t rows, int64_t repeat, int64_t n, int64_t channels,
                            bool transpose, const int32_t* index, const T* x, const T* dy, T beta, T* dsoft) {
  CheckOrder(order);
  const int64_t inner = order == 1 ? channels : n * channels, size = n * inner;
  ParallelFor(rows, Grain(2 * n * n * inner), [&](int64_t begin, int64_t end) {
    const int64_t packed = order == 2 ? size : 0;
    Scratch<T> gathered(packed), first(packed), second(packed);
    for (int64_t row = begin; row < end; ++row) {
      const T *shared = x + row / repeat * size, *own = dy + row * size;
      const T *nodes = transpose ? shared : own, *ranks = transpose ? own : shared;
      const int32_t* source = index + row * n;
      T* gradient = dsoft + row * n * n;
      if (order == 1) {
        MatMul(Cpu(), Transpose::kNo, Transpose::kYes, n, n, inner, nodes, ranks, beta, gradient);
        continue;
      }
      for (int64_t i = 0; i < n; ++i)
        GatherNodes<false>(n, channels, source, nodes + i * inner, gathered.data() + i * inner);
      MatMul(Cpu(), Transpose::kNo, Transpose::kYes, n, n, inner, gathered.data(), ranks, beta, gradient);
      ChannelsFirst(n, channels, source, nodes, first.data());
      ChannelsFirst<T>(n, channels, nullptr, ranks, second.data());
      MatMul(Cpu(), Transpose::kYes, Transpose::kNo, n, n, inner, first.data(), second.data(), T(1), gradient);
    }
  });
}

template <class Device, class T>
void PermuteDiagonalStraightThrough(Device, int64_t rows, int64_t n, int64_t channels, const int32_t* index, const T* x,
                                    const T* dy, T* dsoft) {
  ParallelFor(rows * n, Grain(2 * n * channels), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / n, q = i % n, node = index[i];
      const T *image = x + row * n * n * channels, *gradient = dy + (row * n + node) * channels;
      T* to = dsoft + (row * n + node) * n;
      for (int64_t r = 0; r < n; ++r) {
        T sum = 0;
        for (int64_t c = 0; c < channels; ++c)
          sum += gradient[c] * (image[(r * n + q) * channels + c] + image[(q * n + r) * channels + c]);
        to[r] = sum;
      }
    }
  });
}

template <>
void InvertPermutations(Cpu, int64_t rows, int64_t n, const int32_t* index, int32_t* ranks) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t r = 0; r < n; ++r) ranks[row * n + index[row * n + r]] = static_cast<int32_t>(r);
}

#define ORBIT_INSTANTIATE(T)                                                                                         \
  template void Permute(Cpu, int, int64_t, int64_t, int64_t, int64_t, bool, const int32_t*, const T*, T*);           \
  template void PermuteBackward(Cpu, int, int64_t, int64_t, int64_t, int64_t, bool, const int32_t*, const T*, T*);   \
  template void PermuteStraightThrough(Cpu, int, int64_t, int64_t, int64_t, int64_t, bool, const int32_t*, const T*, \
                                       const T*, T, T*);                                                             \
  template void PermuteDiagonalStraightThrough(Cpu, int64_t, int64_t, int64_t, const int32_t*, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
