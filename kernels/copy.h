// Copies between strided arrays, from which transposing, slicing, joining and padding are made.
#ifndef ORBIT_KERNELS_COPY_H_
#define ORBIT_KERNELS_COPY_H_

#include <array>
#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// The sizes of the axes, outermost first, and the strides of x and y along them, in elements.
struct Strided {
  static constexpr int kMaxAxes = 8;
  int axes = 0;
  std::array<int64_t, kMaxAxes> size{}, x_stride{}, y_stride{};
};

// y = x at every place of `shape`; places of y must differ. T is float, double or BFloat16.
template <class Device, class T>
void CopyStrided(Device device, const Strided& shape, const T* x, T* y);

// y[i, :] = x[index[i], :] for rows of `columns` elements. On the host an index outside [0, x_rows) throws Error; on
// GPUs, which cannot throw, it fills the row with NaN.
template <class Device, class T>
void GatherRows(Device device, int64_t rows, int64_t columns, int64_t x_rows, const int64_t* index, const T* x, T* y);

// y[index[i], :] += x[i, :] in a fixed order, of bf16 in float; y has y_rows rows. An index outside throws Error on the
// host; a GPU leaves the row out.
template <class Device, class T>
void ScatterAddRows(Device device, int64_t rows, int64_t columns, int64_t y_rows, const int64_t* index, const T* x,
                    T* y);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_COPY_H_
