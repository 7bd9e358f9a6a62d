#include "engine/random.h"

#include "engine/dispatch.h"
#include "kernels/random.h"

namespace orbit {

Tensor Generator::Uniform(const Shape& shape, double low, double high, DType dtype, Device device, int64_t first) {
  Tensor x = Tensor::Empty(shape, dtype, device);
  const uint64_t stream = NextStream();
  Dispatch("Uniform", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::FillUniform(device, seed_, stream, first, x.size(), T(low), T(high), x.data<T>());
  });
  return x;
}

Tensor Generator::Normal(const Shape& shape, double mean, double deviation, DType dtype, Device device, int64_t first) {
  Tensor x = Tensor::Empty(shape, dtype, device);
  const uint64_t stream = NextStream();
  Dispatch("Normal", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::FillNormal(device, seed_, stream, first, x.size(), T(mean), T(deviation), x.data<T>());
  });
  return x;
}

}  // namespace orbit
