// A substitute for CUDA's runtime library: a fake GPU whose memory is host memory and whose kernels do nothing, to test
// how the engine reacts to failures. Every call succeeds, except for what the environment asks for:
//
//   FAKE_GPU_FOUND    the error of cudaGetDeviceCount, by number
//   FAKE_GPU_DRIVER   the driver's version of CUDA, as 12040 (0: no driver)
//   FAKE_GPU_MEMORY   its bytes
//   FAKE_GPU_FILL     the byte that fresh memory is filled with, 0 unless set
//   FAKE_GPU_LAUNCH   the error of every launch
//   FAKE_GPU_FAULT    E:FILE: after the first launch when FILE is there all fails with error E, as after a fault in a
//   kernel
//   FAKE_GPU_CAPABILITY  its compute capability, 90 for 9.0; 75 unless set
//   FAKE_GPU_SHARED   the shared memory that a block may have, in bytes
//   FAKE_GPU_LAUNCHES the file to which the launches are added when the program ends: a line for every kernel and
//   amount of dynamic shared memory, with the most threads of a block and the dynamic shared memory it was permitted
//
// An executable that has it in its sources does not take CUDA's own (tests/engine/BUILD).
#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace {

long Setting(const char* name, long otherwise) {
  const char* value = std::getenv(name);
  return value ? std::atol(value) : otherwise;
}

int Capability() { return static_cast<int>(Setting("FAKE_GPU_CAPABILITY", 75)); }

// The error of every call after a fault in a kernel.
std::atomic<int> fault = cudaSuccess;
thread_local int last_error = cudaSuccess;
std::atomic<bool> capturing = false;

cudaError_t Result(int error = cudaSuccess) {
  if (fault != cudaSuccess) error = fault;
  if (error != cudaSuccess) last_error = error;
  return static_cast<cudaError_t>(error);
}

std::mutex mutex;
std::map<void*, size_t> allocated;
size_t in_use = 0;

cudaError_t Allocate(void** memory, size_t bytes) {
  std::lock_guard lock(mutex);
  if (fault != cudaSuccess) return Result();
  static const size_t all = Setting("FAKE_GPU_MEMORY", 4l << 30);
  *memory = in_use + bytes <= all ? std::aligned_alloc(256, (bytes + 255) / 256 * 256) : nullptr;
  if (!*memory) return Result(cudaErrorMemoryAllocation);
  static const int fill = static_cast<int>(Setting("FAKE_GPU_FILL", 0));
  std::memset(*memory, fill, bytes);
  allocated[*memory] = bytes;
  in_use += bytes;
  return cudaSuccess;
}

cudaError_t Free(void* memory) {
  std::lock_guard lock(mutex);
  if (fault != cudaSuccess || !memory) return Result();
  const auto entry = allocated.find(memory);
  if (entry == allocated.end()) return Result(cudaErrorInvalidValue);
  in_use -= entry->second;
  allocated.erase(entry);
  std::free(memory);
  return cudaSuccess;
}

// What was launched, by the kernels' names as the compiler has them.
struct Launches {
  ~Launches() {
    const char* path = std::getenv("FAKE_GPU_LAUNCHES");
    if (!path) return;
    std::ofstream file(path, std::ios::app);
    for (const auto& [launch, threads] : most_threads)
      file << names[launch.first] << ' ' << threads << ' ' << launch.second << ' ' << permitted[launch.first] << '\n';
  }

  std::mutex mutex;
  std::map<const void*, std::string> names;
  std::map<const void*, int> permitted;
  std::map<std::pair<const void*, size_t>, unsigned> most_threads;
};

Launches& TheLaunches() {
  static Launches launches;
  return launches;
}

cudaError_t LaunchKernel() {
  static const int every = static_cast<int>(Setting("FAKE_GPU_LAUNCH", 0));
  static const std::string faulty = std::getenv("FAKE_GPU_FAULT") ? std::getenv("FAKE_GPU_FAULT") : ":";
  static const std::string file = faulty.substr(faulty.find(':') + 1);
  const cudaError_t result = Result(every);
  if (!file.empty() && fault == cudaSuccess && std::filesystem::exists(file)) fault = std::atoi(faulty.c_str());
  return result;
}

thread_local struct {
  dim3 grid, block;
  size_t shared;
  cudaStream_t stream;
} launch;

}  // namespace

extern "C" {

// ---- The device ----

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(Setting("FAKE_GPU_DRIVER", 99000));
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return static_cast<cudaError_t>(Setting("FAKE_GPU_FOUND", 0));
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return Result(); }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "Fake GPU");
  properties->major = Capability() / 10;
  properties->minor = Capability() % 10;
  properties->multiProcessorCount = 1;
  properties->totalGlobalMem = 4ul << 30;
  return Result();
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrComputeCapabilityMajor   ? Capability() / 10
           : attribute == cudaDevAttrComputeCapabilityMinor ? Capability() % 10
           : attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin
               ? static_cast<int>(Setting("FAKE_GPU_SHARED", 64 << 10))
               : 1;
  return Result();
}
cudaError_t cudaGetLastError() {
  const int error = last_error;
  last_error = fault;
  return static_cast<cudaError_t>(error);
}
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorNoKernelImageForDevice:
      return "cudaErrorNoKernelImageForDevice";
    default:
      return "cudaError";
  }
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    default:
      return "some other error";
  }
}
cudaError_t cudaProfilerStart() { return Result(); }
cudaError_t cudaProfilerStop() { return Result(); }

// ---- Memory: copies are done at once ----

cudaError_t cudaMalloc(void** memory, size_t bytes) { return Allocate(memory, bytes); }
cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t) { return Allocate(memory, bytes); }
cudaError_t cudaMallocHost(void** memory, size_t bytes) { return Allocate(memory, bytes); }
cudaError_t cudaFree(void* memory) { return Free(memory); }
cudaError_t cudaFreeAsync(void* memory, cudaStream_t) { return Free(memory); }
cudaError_t cudaFreeHost(void* memory) { return Free(memory); }
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (fault == cudaSuccess) std::memcpy(to, from, bytes);
  return Result();
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  if (fault == cudaSuccess) std::memset(memory, value, bytes);
  return Result();
}

// ---- Streams, events and graphs ----

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = reinterpret_cast<cudaStream_t>(0x100);
  return Result();
}

// The stream for collectives is the one that the fake has.
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return Result();
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t) { return Result(); }

cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return Result(); }

cudaError_t cudaEventQuery(cudaEvent_t) { return Result(); }

cudaError_t cudaStreamSynchronize(cudaStream_t) { return Result(); }
// An event is the time at which it is recorded: what precedes it has been done.
using Time = std::chrono::steady_clock::time_point;
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(new Time);
  return Result();
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Time*>(event);
  return Result();
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  *reinterpret_cast<Time*>(event) = std::chrono::steady_clock::now();
  return Result();
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return Result(); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  const std::chrono::duration<float, std::milli> taken =
      *reinterpret_cast<Time*>(end) - *reinterpret_cast<Time*>(begin);
  *milliseconds = taken.count();
  return Result();
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*) { return Result(); }
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  capturing = true;
  return Result();
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return Result();
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  capturing = false;
  *graph = reinterpret_cast<cudaGraph_t>(0x300);
  return Result();
}
cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t*, size_t* count) {
  *count = 1;
  return Result();
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) {
  *executable = reinterpret_cast<cudaGraphExec_t>(0x400);
  return Result();
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return Result(); }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return Result(); }
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return LaunchKernel(); }

// ---- Kernels, as nvcc's code registers and launches them ----

void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, const char* function, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  TheLaunches().names[function] = name;
}
void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int) {}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, size_t) {
  *blocks = 1;
  return Result();
}
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  std::lock_guard lock(TheLaunches().mutex);
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) TheLaunches().permitted[function] = value;
  return Result();
}
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared, CUstream_st* stream) {
  launch = {grid, block, shared, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared, void* stream) {
  *grid = launch.grid;
  *block = launch.block;
  *shared = launch.shared;
  *static_cast<cudaStream_t*>(stream) = launch.stream;
  return cudaSuccess;
}
cudaError_t cudaLaunchKernel(const void* function, dim3, dim3 block, void**, size_t shared, cudaStream_t) {
  {
    std::lock_guard lock(TheLaunches().mutex);
    unsigned& most = TheLaunches().most_threads[{function, shared}];
    most = std::max(most, block.x * block.y * block.z);
  }
  return LaunchKernel();
}
#if CUDART_VERSION >= 13000
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, size_t shared,
                               cudaStream_t stream) {
  return cudaLaunchKernel(kernel, grid, block, arguments, shared, stream);
}
#endif

}  // extern "C"
