#include "engine/ops/softmax.h"

#include <numeric>
#include <utility>

#include "engine/dispatch.h"
#include "engine/ops/shape.h"
#include "kernels/softmax.h"

namespace orbit {

Variable Softmax(const Variable& x, int64_t axis) {
  const int64_t width = x.dim(axis), last = x.rank() - 1;
  if (axis != -1 && axis != last) {
    std::vector<int64_t> swapped(x.rank());
    std::iota(swapped.begin(), swapped.end(), 0);
    std::swap(swapped[axis < 0 ? axis + x.rank() : axis], swapped[last]);
    return Permute(Softmax(Permute(x, swapped), -1), swapped);
  }
  const int64_t rows = width > 0 ? x.size() / width : 0;
  const Tensor y = Tensor::EmptyLike(x.value());
  DispatchWithBF16("Softmax", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::SoftmaxForward(device, rows, width, x.value().data<T>(), y.data<T>());
  });
  return MakeVariable("Softmax", y, {x}, [=](const Gradients& gradients) {
    const Tensor dx = Tensor::EmptyLike(y);
    DispatchWithBF16("Softmax", y, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::SoftmaxBackward(device, rows, width, y.data<T>(), gradients.output().data<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

}  // namespace orbit
