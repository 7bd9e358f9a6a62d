#include "engine/accumulate.h"

#include <utility>

#include "engine/dispatch.h"
#include "kernels/elementwise.h"

namespace orbit {

Tensor Accumulate(Tensor sum, const Tensor& term) {
  if (!sum.defined()) return term;
  Tensor result = sum.exclusive() ? std::move(sum) : sum.Clone();
  DispatchWithBF16("Accumulate", result, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::Accumulate(device, result.size(), term.data<T>(), result.data<T>());
  });
  return result;
}

}  // namespace orbit
