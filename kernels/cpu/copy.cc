#include "kernels/copy.h"

#include <algorithm>
#include <string>

#include "kernels/cpu/floats.h"
#include "kernels/error.h"
#include "kernels/merge_axes.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per task

void CheckIndex(int64_t rows, const int64_t* index, int64_t limit) {
  for (int64_t i = 0; i < rows; ++i)
    Check(index[i] >= 0 && index[i] < limit, "index ", index[i], " at position ", i, " of ", limit, " rows");
}

}  // namespace

template <class Device, class T>
void CopyStrided(Device, const Strided& strided, const T* x, T* y) {
  const Strided shape = MergeAxes(strided, &Strided::x_stride, &Strided::y_stride);
  const int last = shape.axes - 1;
  const int64_t length = shape.size[last], x_step = shape.x_stride[last], y_step = shape.y_stride[last];
  int64_t lines = 1;
  for (int i = 0; i < last; ++i) lines *= shape.size[i];
  if (lines * length == 0) return;
  const auto copy = [&](const T* from, T* to, int64_t size) {
    if (x_step == 1 && y_step == 1)
      std::copy_n(from, size, to);
    else
      for (int64_t i = 0; i < size; ++i) to[i * y_step] = from[i * x_step];
  };
  if (lines == 1)
    return ParallelFor(length, kGrain,
                       [&](int64_t begin, int64_t end) { copy(x + begin * x_step, y + begin * y_step, end - begin); });
  ParallelFor(lines, std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      int64_t x_offset = 0, y_offset = 0, rest = line;
      for (int i = last - 1; i >= 0; --i) {
        const int64_t place = rest % shape.size[i];
        rest /= shape.size[i];
        x_offset += place * shape.x_stride[i];
        y_offset += place * shape.y_stride[i];
      }
      copy(x + x_offset, y + y_offset, length);
    }
  });
}

template <class Device, class T>
void GatherRows(Device, int64_t rows, int64_t columns, int64_t x_rows, const int64_t* index, const T* x, T* y) {
  CheckIndex(rows, index, x_rows);
  ParallelFor(rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, columns)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) std::copy_n(x + index[i] * columns, columns, y + i * columns);
  });
}

template <class Device, class T>
void ScatterAddRows(Device, int64_t rows, int64_t columns, int64_t y_rows, const int64_t* index, const T* x, T* y) {
  CheckIndex(rows, index, y_rows);
  // Each task owns a range of y's rows and scans all indices.
  const int64_t grain =
      std::max<int64_t>(NumChunks(y_rows, 16), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, columns)));
  ParallelFor(y_rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < rows; ++i) {
      if (index[i] < begin || index[i] >= end) continue;
      const T* from = x + i * columns;
      T* to = y + index[i] * columns;
      for (int64_t c = 0; c < columns; ++c) to[c] += from[c];
    }
  });
}

template <>
void ScatterAddRows(Cpu cpu, int64_t rows, int64_t columns, int64_t y_rows, const int64_t* index, const BFloat16* x,
                    BFloat16* y) {
  const Floats sums(y_rows * columns, y);
  ScatterAddRows<Cpu, float>(cpu, rows, columns, y_rows, index, Floats(rows * columns, x).data(), sums.data());
  sums.RoundTo(y);
}

#define ORBIT_INSTANTIATE(T)                                                              \
  template void CopyStrided(Cpu, const Strided&, const T*, T*);                           \
  template void GatherRows(Cpu, int64_t, int64_t, int64_t, const int64_t*, const T*, T*); \
  template void ScatterAddRows(Cpu, int64_t, int64_t, int64_t, const int64_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
