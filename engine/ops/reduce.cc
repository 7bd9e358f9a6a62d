#include "engine/ops/reduce.h"

#include <functional>
#include <numeric>

#include "engine/dispatch.h"
#include "engine/ops/cast.h"
#include "kernels/elementwise.h"

namespace orbit {
namespace {

// Which axes are summed over, and the shape that remains, the summed axes kept as 1.
struct Reduction {
  std::vector<bool> over;
  Shape kept;
  int64_t terms = 1;
};

Reduction MakeReduction(const char* name, const Tensor& x, const std::vector<int64_t>& axes) {
  Reduction reduction{std::vector<bool>(x.rank(), false), x.shape()};
  for (const int64_t axis : axes) {
    const int64_t i = axis < 0 ? axis + x.rank() : axis;
    Check(i >= 0 && i < x.rank() && !reduction.over[i], name, ": axis ", axis, " of ", x.Describe());
    reduction.over[i] = true;
    reduction.terms *= x.dim(i);
    reduction.kept[i] = 1;
  }
  return reduction;
}

int64_t Product(const Shape& shape, size_t begin, size_t end) {
  return std::accumulate(shape.begin() + begin, shape.begin() + end, int64_t{1}, std::multiplies<>());
}

// Calls step(outer, middle, inner) for every run of neighbouring axes in `over`, last run first. `shape` is the
// original shape; axes of earlier steps count as already reduced.
void ForEachRun(const Shape& shape, const std::vector<bool>& over,
                const std::function<void(int64_t, int64_t, int64_t)>& step) {
  int64_t inner = 1;
  for (size_t end = shape.size(); end > 0;) {
    if (!over[end - 1]) {
      inner *= shape[--end];
      continue;
    }
    size_t begin = end;
    while (begin > 0 && over[begin - 1]) --begin;
    step(Product(shape, 0, begin), Product(shape, begin, end), inner);
    end = begin;
  }
}

// factor times the sum over the axes, of bf16 in f32; the result has the given shape.
Tensor SumOver(const char* name, const Tensor& x, const std::vector<bool>& over, double factor, const Shape& shape) {
  Tensor y = x;
  ForEachRun(x.shape(), over, [&](int64_t outer, int64_t middle, int64_t inner) {
    Tensor sum = Tensor::Empty({outer, inner}, SumDType(x.dtype()), x.device());
    DispatchWithBF16(name, y, [&]<class T>(auto device, std::type_identity<T>) {
      using S = kernels::SumType<T>;
      kernels::SumAxis(device, outer, middle, inner, S(factor), y.data<T>(), sum.data<S>());
    });
    y = sum;
    factor = 1;
  });
  return y.Reshape(shape);
}

// The backward of SumOver: factor * dy, repeated along the axes, with shape `shape`.
Tensor ExpandOver(const char* name, const Tensor& dy, const std::vector<bool>& over, double factor,
                  const Shape& shape) {
  struct Step {
    int64_t outer, middle, inner;
  };
  std::vector<Step> steps;
  ForEachRun(shape, over, [&](int64_t outer, int64_t middle, int64_t inner) {
    steps.push_back({outer, middle, inner});
  });
  Tensor x = dy;
  for (size_t i = steps.size(); i-- > 0;) {  // in reverse order of the reduction
    const Step& step = steps[i];
    Tensor expanded = Tensor::Empty({step.outer, step.middle, step.inner}, dy.dtype(), dy.device());
    DispatchWithBF16(name, dy, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::ExpandAxis(device, step.outer, step.middle, step.inner, kernels::SumType<T>(factor), x.data<T>(),
                          expanded.data<T>());
    });
    x = expanded;
    factor = 1;
  }
  return x.Reshape(shape);
}

Variable Reduce(const char* name, const Variable& x, const std::vector<int64_t>& axes, bool keepdim, bool mean) {
  const Reduction reduction = MakeReduction(name, x.value(), axes);
  Check(!mean || reduction.terms > 0, name, " over nothing: ", x.value().Describe());
  if (axes.empty()) return x;
  const double factor = mean ? 1.0 / static_cast<double>(reduction.terms) : 1.0;
  Shape shape;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (keepdim || !reduction.over[i]) shape.push_back(reduction.kept[i]);
  const Tensor y = SumOver(name, x.value(), reduction.over, factor, shape).To(x.dtype());
  return MakeVariable(name, y, {x}, [=, shape = x.shape(), over = reduction.over](const Gradients& gradients) {
    gradients.Add(0, ExpandOver(name, gradients.output(), over, factor, shape));
  });
}

std::vector<int64_t> AllAxes(const Variable& x) {
  std::vector<int64_t> axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

}  // namespace

Variable Sum(const Variable& x, const std::vector<int64_t>& axes, bool keepdim) {
  return Reduce("Sum", x, axes, keepdim, false);
}
Variable Mean(const Variable& x, const std::vector<int64_t>& axes, bool keepdim) {
  return Reduce("Mean", x, axes, keepdim, true);
}
Variable Sum(const Variable& x) { return Sum(x, AllAxes(x)); }
Variable Mean(const Variable& x) { return Mean(x, AllAxes(x)); }

Variable Max(const Variable& x, int64_t axis) {
  if (x.dtype() == DType::kBF16) return Max(FromBF16(x), axis);
  const int64_t i = axis < 0 ? axis + x.rank() : axis;
  const int64_t middle = x.dim(axis);
  Check(middle > 0, "Max over nothing: axis ", axis, " of ", x.value().Describe());
  const int64_t outer = Product(x.shape(), 0, i), inner = Product(x.shape(), i + 1, x.rank());
  Shape shape = x.shape();
  shape.erase(shape.begin() + i);
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  const Tensor index = Tensor::Empty(shape, DType::kI32, x.device());
  Dispatch("Max", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MaxAxis(device, outer, middle, inner, x.value().data<T>(), y.data<T>(), index.data<int32_t>());
  });
  return MakeVariable("Max", y, {x}, [=, shape = x.shape()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::Empty(shape, dy.dtype(), dy.device());
    Dispatch("Max", dy, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::MaxAxisBackward(device, outer, middle, inner, index.data<int32_t>(), dy.data<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

Tensor SumToShape(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const size_t lead = x.rank() - shape.size();
  std::vector<bool> over(x.rank());
  for (size_t i = 0; i < over.size(); ++i) over[i] = i < lead || (shape[i - lead] == 1 && x.shape()[i] != 1);
  return SumOver("SumToShape", x, over, 1, shape);
}

}  // namespace orbit
