#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/runtime.h"
#include "kernels/error.h"

namespace orbit::kernels {
namespace {

void* Allocate(Cuda device, size_t bytes) {
  void* memory = nullptr;
  CheckCuda("scratch memory", cudaMallocAsync(&memory, bytes, device.stream));
  return memory;
}

void Free(Cuda device, void* memory) { cudaFreeAsync(memory, device.stream); }

ScratchAllocator& Allocator() {
  static ScratchAllocator allocator = {Allocate, Free};
  return allocator;
}

std::string (*the_whereabouts)() = nullptr;

#define ORBIT_TEXT(...) #__VA_ARGS__
#define ORBIT_TEXT_OF(...) ORBIT_TEXT(__VA_ARGS__)
constexpr char kArchitectures[] = ORBIT_TEXT_OF(ORBIT_CUDA_ARCHS);

// What a user can do about the error.
std::string Advice(cudaError_t error, int device) {
  int major = 0, minor = 0;
  switch (error) {
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
      return std::string(". This build is for ") + kArchitectures +
             "; --//third_party/cuda:archs=" + std::to_string(10 * major + minor) + " builds it for this GPU";
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorAssert:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
      return ". That is where it was found: kernels run behind the host, and one of an earlier operation of this step "
             "may be the cause. With CUDA_LAUNCH_BLOCKING=1 in the environment, or under compute-sanitizer, the "
             "operation is the one that fails";
    default:
      return "";
  }
}

// A thread writes elements that are a grid apart. Bytes: the array once.
template <class Element>
__global__ void FillKernel(Element element, size_t count, Element* data) {
  for (size_t i = size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += size_t{gridDim.x} * blockDim.x)
    data[i] = element;
}

template <class Element>
void FillElements(Cuda device, void* data, const void* element, size_t count) {
  constexpr size_t kThreads = 256, kMostBlocks = 2048;
  Element value;
  std::memcpy(&value, element, sizeof(value));
  const unsigned blocks = static_cast<unsigned>(std::min((count + kThreads - 1) / kThreads, kMostBlocks));
  FillKernel<<<blocks, kThreads, 0, device.stream>>>(value, count, static_cast<Element*>(data));
  CheckCuda("Fill", cudaGetLastError());
}

// An attribute of the current device that is not 0; CUDA is asked for it once.
template <cudaDeviceAttr kAttribute>
int RememberedAttribute() {
  static std::array<std::atomic<int>, 64> known{};
  int device = 0;
  CheckCuda("device attributes", cudaGetDevice(&device));
  std::atomic<int>& remembered = known[device % known.size()];
  if (remembered == 0) {
    int value = 0;
    CheckCuda("device attributes", cudaDeviceGetAttribute(&value, kAttribute, device));
    remembered = value;
  }
  return remembered;
}

}  // namespace

std::string DescribeGpu(int index) {
  static std::mutex mutex;
  static std::map<int, std::string> known;
  std::lock_guard lock(mutex);
  std::string& description = known[index];
  if (!description.empty()) return description;
  const std::string name = "cuda:" + std::to_string(index);
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return name;
  return description = name + " (" + properties.name + ", compute capability " + std::to_string(properties.major) +
                       "." + std::to_string(properties.minor) + ", " + std::to_string(properties.totalGlobalMem >> 30) +
                       " GiB)";
}

int MajorCapability(Cuda) { return RememberedAttribute<cudaDevAttrComputeCapabilityMajor>(); }

int Multiprocessors(Cuda) { return RememberedAttribute<cudaDevAttrMultiProcessorCount>(); }

size_t MostDynamicSharedBytes(Cuda) {
  return static_cast<size_t>(RememberedAttribute<cudaDevAttrMaxSharedMemoryPerBlockOptin>()) - kReservedSharedBytes;
}

void PermitSharedMemory(const char* operation, Cuda device, const void* kernel, size_t shared_bytes) {
  static std::mutex mutex;
  static std::set<std::pair<int, const void*>> permitted;
  const size_t most = std::max(MostDynamicSharedBytes(device), shared_bytes);
  const size_t all = MostDynamicSharedBytes(device) + kReservedSharedBytes;
  Check(shared_bytes <= all, operation, ": a block needs ", shared_bytes, " bytes of shared memory, and this GPU has ",
        all);
  int index = 0;
  CheckCuda(operation, cudaGetDevice(&index));
  std::lock_guard lock(mutex);
  if (permitted.contains({index, kernel})) return;
  CheckCuda(operation,
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(most)));
  permitted.insert({index, kernel});
}

int CountResidentBlocks(Cuda device, const void* kernel, int threads, size_t shared_bytes) {
  constexpr char kOperation[] = "room for blocks";
  if (shared_bytes > kUsualSharedBytes) PermitSharedMemory(kOperation, device, kernel, shared_bytes);
  int blocks = 0;
  CheckCuda(kOperation, cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, shared_bytes));
  return std::max(blocks, 1);
}

void SetWhereabouts(std::string (*whereabouts)()) { the_whereabouts = whereabouts; }

void FillMemory(Cuda device, void* data, const void* element, size_t element_bytes, size_t count) {
  if (count == 0) return;
  switch (element_bytes) {
    case 1:
      return FillElements<uint8_t>(device, data, element, count);
    case 2:
      return FillElements<uint16_t>(device, data, element, count);
    case 4:
      return FillElements<uint32_t>(device, data, element, count);
    case 8:
      return FillElements<uint64_t>(device, data, element, count);
    default:
      Fail("Fill with elements of ", element_bytes, " bytes");
  }
}

void CheckCuda(const char* operation, int error) {
  if (error == cudaSuccess) return;
  const cudaError_t code = static_cast<cudaError_t>(error);
  std::string message = operation;
  if (const std::string where = the_whereabouts ? the_whereabouts() : ""; !where.empty()) message += " in " + where;
  int device = 0;
  if (cudaGetDevice(&device) == cudaSuccess) message += " on " + DescribeGpu(device);
  Fail(message, ": ", cudaGetErrorString(code), " (", cudaGetErrorName(code), ")", Advice(code, device));
}

void SetScratchAllocator(ScratchAllocator allocator) { Allocator() = allocator; }

void* AllocateScratch(Cuda device, size_t bytes) { return bytes ? Allocator().allocate(device, bytes) : nullptr; }

void FreeScratch(Cuda device, void* memory) noexcept {
  if (memory) Allocator().free(device, memory);
}

}  // namespace orbit::kernels
