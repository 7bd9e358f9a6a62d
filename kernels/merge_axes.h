// Reduces strided shapes to as few axes as they need, before a kernel runs over them.
#ifndef ORBIT_KERNELS_MERGE_AXES_H_
#define ORBIT_KERNELS_MERGE_AXES_H_

#include <array>
#include <cstdint>

namespace orbit::kernels {

// Merges neighbouring axes that both arrays traverse like a single one, and drops axes of size 1. At least one axis is
// left. `Shape` has members axes and size; p and q name its two arrays of strides.
template <class Shape, class Strides>
Shape MergeAxes(const Shape& shape, Strides Shape::*p, Strides Shape::*q) {
  Shape merged;
  for (int i = 0; i < shape.axes; ++i) {
    if (shape.size[i] == 1) continue;
    const int last = merged.axes - 1;
    if (last >= 0 && (merged.*p)[last] == (shape.*p)[i] * shape.size[i] &&
        (merged.*q)[last] == (shape.*q)[i] * shape.size[i])
      merged.size[last] *= shape.size[i];
    else
      merged.size[merged.axes++] = shape.size[i];
    (merged.*p)[merged.axes - 1] = (shape.*p)[i];
    (merged.*q)[merged.axes - 1] = (shape.*q)[i];
  }
  if (merged.axes == 0) {
    merged.axes = 1;
    merged.size[0] = 1;
  }
  return merged;
}

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_MERGE_AXES_H_
