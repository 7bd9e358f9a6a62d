// The emulator's version of gpu.h.
#ifndef ORBIT_KERNELS_CUDA_GPU_SIMT_H_
#define ORBIT_KERNELS_CUDA_GPU_SIMT_H_

#include <tuple>
#include <utility>

#include "kernels/device.h"
#include "kernels/simt/cuda.h"
#include "kernels/simt/launch.h"
#include "kernels/simt/recording.h"
#include "kernels/simt/scratch.h"
#include "kernels/simt/shared_memory.h"

#define ORBIT_SHARED(name, ...)                                                              \
  std::type_identity_t<__VA_ARGS__>& name = ::orbit::kernels::simt::Shared<__VA_ARGS__>([] { \
    static const char key = 0;                                                               \
    return &key;                                                                             \
  }())

namespace orbit::kernels {

using Gpu = Simt;

template <class T>
T* DynamicShared() {
  return static_cast<T*>(simt::DynamicShared());
}

inline int MajorCapability(Simt) { return 9; }
inline int Multiprocessors(Simt) { return 2; }  // so that blocks of few examples have several turns
template <class Kernel>
int ResidentBlocks(Simt, Kernel*, int, size_t shared_bytes) {
  return shared_bytes + kReservedSharedBytes <= simt::kSharedLimit / 2 ? 2 : 1;
}
inline size_t MostDynamicSharedBytes(Simt) { return simt::kSharedLimit - kReservedSharedBytes; }

template <class... Parameters, class... Arguments>
void Launch(const char* operation, Simt, dim3 blocks, dim3 threads, size_t shared_bytes, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
  Check(shared_bytes <= simt::kSharedLimit, operation, ": a block needs ", shared_bytes,
        " bytes of shared memory, and a GPU has ", simt::kSharedLimit);
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> arguments;
  };
  simt::Submit([=, call = Call{kernel, std::tuple<Parameters...>(arguments...)}] {
    simt::Run(
        {operation, blocks, threads, shared_bytes, shared_bytes > kUsualSharedBytes},
        [](const void* c) { std::apply(static_cast<const Call*>(c)->kernel, static_cast<const Call*>(c)->arguments); },
        &call);
  });
}

// Uninitialised temporary memory.
template <class T>
class Scratch {
 public:
  Scratch(Simt, size_t count) : data_(static_cast<T*>(simt::AllocateScratch(count * sizeof(T)))) {}
  ~Scratch() { simt::FreeScratch(data_); }
  Scratch(Scratch&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Scratch& operator=(Scratch&&) = delete;
  T* data() const { return data_; }

 private:
  T* data_;
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_GPU_SIMT_H_
