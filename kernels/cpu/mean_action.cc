#include "kernels/mean_action.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

// Rows, one per sample, per task.
int64_t Grain(const MeanActionShape& shape) {
  return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, shape.row_size()));
}

}  // namespace

template <class Device, class T>
void MeanAction(Device, const MeanActionShape& shape, const int32_t* ranks, const T* m, const T* x, T* y) {
  const int64_t d = shape.d, channels = shape.channels;
  const T factor = T(1) / static_cast<T>(shape.samples);
  ParallelFor(
      shape.batch, NumChunks(Grain(shape), std::max<int64_t>(1, shape.samples)), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
          T* sums = y + b * shape.row_size();
          std::fill_n(sums, shape.row_size(), T(0));
          for (int64_t row = b * shape.samples; row < (b + 1) * shape.samples; ++row)
            for (int64_t i = 0; i < shape.n; ++i) {
              const T* from = x + row * shape.row_size() + (ranks ? ranks[row * shape.n + i] : i) * d * channels;
              T* to = sums + i * d * channels;
              if (!m)
                for (int64_t c = 0; c < d * channels; ++c) to[c] += from[c];
              else
                for (int64_t a = 0; a < d; ++a)
                  for (int64_t k = 0; k < d; ++k)
                    for (int64_t c = 0; c < channels; ++c)
                      to[a * channels + c] += m[(row * d + a) * d + k] * from[k * channels + c];
            }
          for (int64_t i = 0; i < shape.row_size(); ++i) sums[i] *= factor;
        }
      });
}

template <class Device, class T>
void MeanActionBackward(Device, const MeanActionShape& shape, const int32_t* index, const T* m, const T* x, const T* dy,
                        T* dx, T* dm, T* dsoft) {
  const int64_t n = shape.n, d = shape.d, channels = shape.channels, width = d * channels;
  const T factor = T(1) / static_cast<T>(shape.samples);
  ParallelFor(shape.rows(), Grain(shape), [&](int64_t begin, int64_t end) {
    std::vector<T> dz(n * width);  // gradient of the matrix's input, by node
    for (int64_t row = begin; row < end; ++row) {
      const T* gradient = dy + row / shape.samples * n * width;
      const T* from = x + row * n * width;
      const T* matrix = m ? m + row * d * d : nullptr;
      for (int64_t i = 0; i < n * width; ++i) dz[i] = matrix ? T(0) : factor * gradient[i];
      if (matrix)
        for (int64_t i = 0; i < n; ++i)
          for (int64_t a = 0; a < d; ++a)
            for (int64_t k = 0; k < d; ++k)
              for (int64_t c = 0; c < channels; ++c)
                dz[(i * d + k) * channels + c] += factor * matrix[a * d + k] * gradient[(i * d + a) * channels + c];
      const auto node = [&](int64_t r) { return index ? index[row * n + r] : r; };
      if (dx)
        for (int64_t r = 0; r < n; ++r) std::copy_n(&dz[node(r) * width], width, dx + (row * n + r) * width);
      if (dm) {
        std::fill_n(dm + row * d * d, d * d, T(0));
        for (int64_t r = 0; r < n; ++r)
          for (int64_t a = 0; a < d; ++a)
            for (int64_t k = 0; k < d; ++k) {
              T sum = 0;
              for (int64_t c = 0; c < channels; ++c)
                sum += gradient[(node(r) * d + a) * channels + c] * from[(r * d + k) * channels + c];
              dm[(row * d + a) * d + k] += factor * sum;
            }
      }
      if (dsoft)
        for (int64_t i = 0; i < n; ++i)
          for (int64_t r = 0; r < n; ++r) {
            T sum = 0;
            for (int64_t c = 0; c < width; ++c) sum += dz[i * width + c] * from[r * width + c];
            dsoft[(row * n + i) * n + r] = sum;
          }
    }
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                          \
  template void MeanAction(Cpu, const MeanActionShape&, const int32_t*, const T*, const T*, T*);                      \
  template void MeanActionBackward(Cpu, const MeanActionShape&, const int32_t*, const T*, const T*, const T*, T*, T*, \
                                   T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
