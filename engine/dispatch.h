// The one place where an operation meets its kernels: Dispatch calls f with the device tag and the floating element
// type of a tensor. What f calls is declared in kernels/ and defined once a device.
//
//   Dispatch("Gelu", x, [&]<class T>(auto device, std::type_identity<T>) {
//     kernels::GeluForward(device, x.size(), x.data<T>(), y.data<T>());
//   });
#ifndef ORBIT_ENGINE_DISPATCH_H_
#define ORBIT_ENGINE_DISPATCH_H_

#include <type_traits>
#include <utility>

#include "engine/tensor.h"
#include "kernels/device.h"

namespace orbit {

template <class F>
void Dispatch(const char* operation, const Tensor& like, F&& f) {
  const auto with_type = [&](auto device) {
    switch (like.dtype()) {
      case DType::kF32:
        return f(device, std::type_identity<float>{});
      case DType::kF64:
        return f(device, std::type_identity<double>{});
      default:
        Fail(operation, " takes f32 or f64, got ", like.Describe());
    }
  };
  switch (like.device().type) {
    case DeviceType::kCpu:
      return with_type(kernels::Cpu{});
  }
}

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISPATCH_H_
