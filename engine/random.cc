#include "engine/random.h"

#include <utility>

#include "engine/dispatch.h"

namespace orbit {

Generator::Generator(uint64_t seed, Tensor base) : Generator(seed) {
  Check(base.dtype() == DType::kI64 && base.size() == 1, "the base of a generator's streams is ", base.Describe());
  base_ = std::move(base);
}

kernels::RandomStream Generator::NextStream(Device device) {
  Check(!base_.defined() || base_.device() == device, "random numbers on ", NameOf(device),
        " by a generator whose streams are counted on ", NameOf(base_.device()));
  return {seed_, stream_++, base_.defined() ? base_.data<int64_t>() : nullptr};
}

Tensor Generator::Uniform(const Shape& shape, double low, double high, DType dtype, Device device, int64_t first) {
  Tensor x = Tensor::Empty(shape, dtype, device);
  const kernels::RandomStream stream = NextStream(device);
  Dispatch("Uniform", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::FillUniform(device, stream, first, x.size(), T(low), T(high), x.data<T>());
  });
  return x;
}

Tensor Generator::Normal(const Shape& shape, double mean, double deviation, DType dtype, Device device, int64_t first) {
  Tensor x = Tensor::Empty(shape, dtype, device);
  const kernels::RandomStream stream = NextStream(device);
  Dispatch("Normal", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::FillNormal(device, stream, first, x.size(), T(mean), T(deviation), x.data<T>());
  });
  return x;
}

}  // namespace orbit
