// Connects operations to kernels: Dispatch calls f with the device tag and the floating-point element type of a tensor.
// The kernel that f calls is declared in kernels/ and defined once per device.
//
//   Dispatch("Gelu", x, [&]<class T>(auto device, std::type_identity<T>) {
//     kernels::GeluForward(device, x.size(), x.data<T>(), y.data<T>());
//   });
#ifndef ORBIT_ENGINE_DISPATCH_H_
#define ORBIT_ENGINE_DISPATCH_H_

#include <type_traits>
#include <utility>

#include "engine/autocast.h"
#include "engine/profiling.h"
#include "engine/simt_memory.h"
#include "engine/stream.h"
#include "engine/tensor.h"
#include "kernels/device.h"

namespace orbit {

// Calls f with the device tag alone, which has the precision of the Autocast scope.
template <class F>
void DispatchDevice(const char* operation, Device device, F&& f) {
  const ProfileRange range(operation);
  switch (device.type) {
    case DeviceType::kCpu:
      return f(kernels::Cpu{});
    case DeviceType::kSimt: {
      const SimtMemoryAccess access;
      return f(kernels::Simt{Autocast::current()});
    }
    case DeviceType::kCuda:
#ifdef ORBIT_CUDA
      return f(kernels::Cuda{StreamOf(device).stream, Autocast::current()});
#else
      Fail(operation, ": this program was built without CUDA");
#endif
  }
}

template <class F>
void Dispatch(const char* operation, const Tensor& like, F&& f) {
  DispatchDevice(operation, like.device(), [&](auto device) {
    switch (like.dtype()) {
      case DType::kF32:
        return f(device, std::type_identity<float>{});
      case DType::kF64:
        return f(device, std::type_identity<double>{});
      default:
        Fail(operation, " takes f32 or f64, got ", like.Describe());
    }
  });
}

// Dispatch for an operation that also accepts bf16.
template <class F>
void DispatchWithBF16(const char* operation, const Tensor& like, F&& f) {
  if (like.dtype() != DType::kBF16) return Dispatch(operation, like, f);
  DispatchDevice(operation, like.device(), [&](auto device) { f(device, std::type_identity<BFloat16>{}); });
}

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISPATCH_H_
