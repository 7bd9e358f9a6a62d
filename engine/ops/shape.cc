#include "engine/ops/shape.h"

#include <algorithm>

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "engine/ops/reduce.h"
#include "kernels/copy.h"

namespace orbit {
namespace {

using Strides = std::array<int64_t, kernels::Strided::kMaxAxes>;

int64_t Normalize(const char* name, const Tensor& x, int64_t axis) {
  const int64_t i = axis < 0 ? axis + x.rank() : axis;
  Check(i >= 0 && i < x.rank(), name, ": axis ", axis, " of ", x.Describe());
  return i;
}

Strides StridesOf(const Shape& shape) {
  Check(shape.size() <= kernels::Strided::kMaxAxes, "at most ", kernels::Strided::kMaxAxes, " axes, got ",
        ToString(shape));
  Strides strides{};
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

// Copies the elements of `shape` from x, starting at x_offset, to y, starting at y_offset.
void Copy(const char* name, const Shape& shape, const Tensor& x, int64_t x_offset, const Strides& x_strides,
          const Tensor& y, int64_t y_offset, const Strides& y_strides) {
  kernels::Strided strided;
  strided.axes = static_cast<int>(shape.size());
  std::copy(shape.begin(), shape.end(), strided.size.begin());
  strided.x_stride = x_strides;
  strided.y_stride = y_strides;
  DispatchWithBF16(name, x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::CopyStrided(device, strided, x.data<const T>() + x_offset, y.data<T>() + y_offset);
  });
}

Tensor Permuted(const Tensor& x, const std::vector<int64_t>& axes) {
  const Strides strides = StridesOf(x.shape());
  Shape shape(axes.size());
  Strides x_strides{};
  for (size_t i = 0; i < axes.size(); ++i) {
    shape[i] = x.shape()[axes[i]];
    x_strides[i] = strides[axes[i]];
  }
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  Copy("Permute", shape, x, 0, x_strides, y, 0, StridesOf(shape));
  return y;
}

// CopyOut copies elements [begin, begin + part.dim(axis)) of an axis of `whole` to `part`; CopyIn does the inverse.
void CopyOut(const char* name, const Tensor& whole, int64_t axis, int64_t begin, const Tensor& part) {
  const Strides strides = StridesOf(whole.shape());
  Copy(name, part.shape(), whole, begin * strides[axis], strides, part, 0, StridesOf(part.shape()));
}
void CopyIn(const char* name, const Tensor& part, const Tensor& whole, int64_t axis, int64_t begin) {
  const Strides strides = StridesOf(whole.shape());
  Copy(name, part.shape(), part, 0, StridesOf(part.shape()), whole, begin * strides[axis], strides);
}

}  // namespace

Variable Reshape(const Variable& x, const Shape& shape) {
  const Tensor y = x.value().Reshape(shape);
  if (y.shape() == x.shape()) return x;
  return MakeVariable("Reshape", y, {x}, [shape = x.shape()](const Gradients& gradients) {
    gradients.Add(0, gradients.output().Reshape(shape));
  });
}

Variable Permute(const Variable& x, const std::vector<int64_t>& axes) {
  std::vector<int64_t> inverse(axes.size(), -1), forward(axes.size());
  Check(static_cast<int64_t>(axes.size()) == x.rank(), "Permute: ", axes.size(), " axes for ", x.value().Describe());
  for (size_t i = 0; i < axes.size(); ++i) {
    forward[i] = Normalize("Permute", x.value(), axes[i]);
    Check(inverse[forward[i]] < 0, "Permute: axis ", axes[i], " comes twice");
    inverse[forward[i]] = static_cast<int64_t>(i);
  }
  return MakeVariable("Permute", Permuted(x.value(), forward), {x}, [inverse](const Gradients& gradients) {
    gradients.Add(0, Permuted(gradients.output(), inverse));
  });
}

Variable Concat(const std::vector<Variable>& parts, int64_t axis) {
  Check(!parts.empty(), "Concat of nothing");
  const int64_t i = Normalize("Concat", parts[0].value(), axis);
  const std::vector<Tensor> values = AutocastTogether(parts);
  Shape shape = parts[0].shape();
  for (size_t p = 1; p < parts.size(); ++p) {
    Shape other = parts[p].shape();
    Check(parts[p].rank() == parts[0].rank() && values[p].dtype() == values[0].dtype(), "Concat of ",
          parts[0].value().Describe(), " and ", parts[p].value().Describe());
    shape[i] += other[i];
    other[i] = parts[0].shape()[i];
    Check(other == parts[0].shape(), "Concat along axis ", axis, " of ", parts[0].value().Describe(), " and ",
          parts[p].value().Describe());
  }
  Tensor y = Tensor::Empty(shape, values[0].dtype(), values[0].device());
  std::vector<int64_t> begins;
  std::vector<Shape> shapes;
  int64_t begin = 0;
  for (const Tensor& part : values) {
    CopyIn("Concat", part, y, i, begin);
    begins.push_back(begin);
    shapes.push_back(part.shape());
    begin += part.dim(i);
  }
  return MakeVariable("Concat", y, parts, [i, begins, shapes](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    for (size_t p = 0; p < begins.size(); ++p) {
      if (!gradients.Needs(p)) continue;
      Tensor dx = Tensor::Empty(shapes[p], dy.dtype(), dy.device());
      CopyOut("Concat", dy, i, begins[p], dx);
      gradients.Add(p, dx);
    }
  });
}

Variable Slice(const Variable& x, int64_t axis, int64_t begin, int64_t end) {
  const int64_t i = Normalize("Slice", x.value(), axis);
  Check(0 <= begin && begin <= end && end <= x.dim(i), "Slice [", begin, ", ", end, ") of axis ", axis, " of ",
        x.value().Describe());
  if (begin == 0 && end == x.dim(i)) return x;
  Shape shape = x.shape();
  shape[i] = end - begin;
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  CopyOut("Slice", x.value(), i, begin, y);
  return MakeVariable("Slice", y, {x}, [i, begin, shape = x.shape()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::Zeros(shape, dy.dtype(), dy.device());
    CopyIn("Slice", dy, dx, i, begin);
    gradients.Add(0, dx);
  });
}

Variable BroadcastTo(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const size_t rank = x.shape().size();
  const Strides strides = StridesOf(x.shape());
  Strides x_strides{};
  Check(shape.size() >= rank, "BroadcastTo ", ToString(shape), " of ", x.value().Describe());
  const size_t lead = shape.size() - rank;
  for (size_t i = 0; i < rank; ++i) {
    Check(x.shape()[i] == shape[lead + i] || x.shape()[i] == 1, "BroadcastTo ", ToString(shape), " of ",
          x.value().Describe());
    x_strides[lead + i] = x.shape()[i] == 1 ? 0 : strides[i];
  }
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  Copy("BroadcastTo", shape, x.value(), 0, x_strides, y, 0, StridesOf(shape));
  return MakeVariable("BroadcastTo", y, {x}, [shape = x.shape()](const Gradients& gradients) {
    gradients.Add(0, SumToShape(gradients.output(), shape));
  });
}

}  // namespace orbit
