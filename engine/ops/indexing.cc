#include "engine/ops/indexing.h"

#include "engine/dispatch.h"
#include "kernels/copy.h"

namespace orbit {
namespace {

int64_t Columns(const Tensor& x) {
  int64_t columns = 1;
  for (int64_t i = 1; i < x.rank(); ++i) columns *= x.dim(i);
  return columns;
}

Tensor Gather(const char* name, const Tensor& x, const Tensor& index) {
  Shape shape = x.shape();
  shape[0] = index.size();
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  DispatchWithBF16(name, x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::GatherRows(device, index.size(), Columns(x), x.dim(0), index.data<int64_t>(), x.data<T>(), y.data<T>());
  });
  return y;
}

Tensor ScatterAdd(const char* name, const Tensor& x, const Tensor& index, int64_t rows) {
  Shape shape = x.shape();
  shape[0] = rows;
  Tensor y = Tensor::Zeros(shape, x.dtype(), x.device());
  DispatchWithBF16(name, x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::ScatterAddRows(device, index.size(), Columns(x), rows, index.data<int64_t>(), x.data<T>(), y.data<T>());
  });
  return y;
}

}  // namespace

Variable IndexSelect(const Variable& x, const Tensor& index) {
  Check(x.rank() >= 1 && index.rank() == 1, "IndexSelect: ", x.value().Describe(), " by ", index.Describe());
  return MakeVariable("IndexSelect", Gather("IndexSelect", x.value(), index), {x},
                      [index, rows = x.dim(0)](const Gradients& gradients) {
                        gradients.Add(0, ScatterAdd("IndexSelect", gradients.output(), index, rows));
                      });
}

Variable IndexAdd(const Variable& x, const Tensor& index, int64_t rows) {
  Check(x.rank() >= 1 && index.rank() == 1 && index.dim(0) == x.dim(0), "IndexAdd: ", x.value().Describe(), " by ",
        index.Describe());
  return MakeVariable(
      "IndexAdd", ScatterAdd("IndexAdd", x.value(), index, rows), {x},
      [index](const Gradients& gradients) { gradients.Add(0, Gather("IndexAdd", gradients.output(), index)); });
}

}  // namespace orbit
