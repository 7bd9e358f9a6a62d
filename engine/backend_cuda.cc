#ifdef ORBIT_CUDA
#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/profiling.h"
#include "engine/stream.h"
#include "kernels/add_parts.h"
#include "kernels/cuda/runtime.h"
#include "kernels/error.h"
#endif

#include "engine/backend.h"

namespace orbit {
namespace {

#ifdef ORBIT_CUDA

using kernels::CheckCuda;

// Makes a device this thread's: CUDA sets device 0 up, in its memory, for a thread that has named none.
void MakeCurrent(int device) { CheckCuda("cudaSetDevice", cudaSetDevice(device)); }

class Event {
 public:
  explicit Event(unsigned flags = cudaEventDisableTiming) {
    CheckCuda("event", cudaEventCreateWithFlags(&event_, flags));
  }
  ~Event() {
    if (event_) cudaEventDestroy(event_);
  }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  void Record(cudaStream_t stream) const { CheckCuda("event", cudaEventRecord(event_, stream)); }
  double SecondsSince(const Event& start) const {
    float milliseconds = 0;
    CheckCuda("event", cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return milliseconds * 1e-3;
  }
  void Wait(const char* operation) const { CheckCuda(operation, cudaEventSynchronize(event_)); }
  bool Reached() const {
    const cudaError_t state = cudaEventQuery(event_);
    if (state == cudaErrorNotReady) return false;
    CheckCuda("event", state);
    return true;
  }
  // What `stream` is given from now on waits for the event.
  void Hold(cudaStream_t stream) const { CheckCuda("event", cudaStreamWaitEvent(stream, event_, 0)); }

 private:
  cudaEvent_t event_ = nullptr;
};

// Host pages that the GPU can access directly.
class PinnedMemory {
 public:
  explicit PinnedMemory(size_t bytes) { CheckCuda("pinned memory", cudaMallocHost(&data_, bytes)); }
  ~PinnedMemory() { cudaFreeHost(data_); }
  PinnedMemory(const PinnedMemory&) = delete;
  char* data() const { return static_cast<char*>(data_); }

 private:
  void* data_ = nullptr;
};

// Copies to the GPU pass through a ring of pinned memory: the host fills one piece while earlier ones are in flight,
// and waits only when it reaches a piece that is still in flight.
class StagingRing {
 public:
  void Copy(cudaStream_t stream, void* to, const void* from, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
      const size_t piece = std::min(bytes - done, kBytes / 2);
      char* staged = memory_.data() + Reserve(piece);
      std::memcpy(staged, static_cast<const char*>(from) + done, piece);
      CheckCuda("copy to the GPU",
                cudaMemcpyAsync(static_cast<char*>(to) + done, staged, piece, cudaMemcpyHostToDevice, stream));
      in_flight_.back().copied.Record(stream);
      done += piece;
    }
  }

 private:
  static constexpr size_t kBytes = size_t{16} << 20;
  struct Piece {
    size_t begin, end;
    Event copied;
  };

  // Reserves the next piece, which becomes the last one of in_flight_, and returns where it starts.
  size_t Reserve(size_t bytes) {
    const size_t begin = head_ + bytes <= kBytes ? head_ : 0, end = begin + bytes;
    const auto overlaps = [&](const Piece& piece) { return piece.begin < end && begin < piece.end; };
    Event event = [&] {
      if (in_flight_.size() < kMostPieces) return Event();
      Event reused = std::move(in_flight_.front().copied);
      in_flight_.pop_front();
      reused.Wait("copy to the GPU");
      return reused;
    }();
    while (std::any_of(in_flight_.begin(), in_flight_.end(), overlaps)) {
      in_flight_.front().copied.Wait("copy to the GPU");
      in_flight_.pop_front();
    }
    in_flight_.push_back({begin, end, std::move(event)});
    head_ = (end + 63) / 64 * 64;
    return begin;
  }

  static constexpr size_t kMostPieces = 256;
  PinnedMemory memory_{kBytes};
  std::deque<Piece> in_flight_;  // in ring order
  size_t head_ = 0;
};

// Pinned memory that receives a copy from the GPU, or that one to it reads.
struct Landing {
  explicit Landing(size_t bytes) : size(bytes), memory(bytes) {}
  size_t size;
  PinnedMemory memory;
  Event copied;
};

struct Gpu {
  cudaStream_t stream = nullptr;
  std::mutex mutex;  // protects the members below
  std::unique_ptr<StagingRing> staging;
  // unused ones, kept because pinning and unpinning pages waits for the GPU
  std::vector<std::unique_ptr<Landing>> landings;
};

class CopyOnItsWay : public PendingCopy {
 public:
  CopyOnItsWay(Gpu& gpu, const std::vector<DeviceBytes>& pieces) : gpu_(gpu), landing_(Take(gpu, Total(pieces))) {
    char* to = landing_->memory.data();
    for (const auto& [data, bytes] : pieces) {
      CheckCuda("copy from the GPU", cudaMemcpyAsync(to, data, bytes, cudaMemcpyDeviceToHost, gpu.stream));
      to += bytes;
    }
    landing_->copied.Record(gpu.stream);
  }
  ~CopyOnItsWay() override {
    try {
      Wait();  // before another copy uses the landing
    } catch (...) {
    }
    std::lock_guard lock(gpu_.mutex);
    gpu_.landings.push_back(std::move(landing_));
  }
  const void* Wait() override {
    landing_->copied.Wait("copy from the GPU");
    return landing_->memory.data();
  }

 private:
  static size_t Total(const std::vector<DeviceBytes>& pieces) {
    size_t total = 0;
    for (const DeviceBytes& piece : pieces) total += piece.bytes;
    return total;
  }

  static std::unique_ptr<Landing> Take(Gpu& gpu, size_t bytes) {
    std::lock_guard lock(gpu.mutex);
    const auto fits = std::find_if(gpu.landings.begin(), gpu.landings.end(),
                                   [&](const auto& landing) { return landing->size >= bytes; });
    if (fits == gpu.landings.end()) return std::make_unique<Landing>(bytes);
    std::unique_ptr<Landing> landing = std::move(*fits);
    gpu.landings.erase(fits);
    return landing;
  }

  Gpu& gpu_;
  std::unique_ptr<Landing> landing_;
};

// A stream beside that of kernels, whose own kernels come first where both have some to run.
class SideStream : public SideQueue {
 public:
  SideStream(int index, cudaStream_t kernels) : index_(index), kernels_(kernels) {
    int lowest = 0, highest = 0;
    CheckCuda("stream", cudaDeviceGetStreamPriorityRange(&lowest, &highest));
    CheckCuda("stream", cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, highest));
  }
  ~SideStream() override {
    cudaStreamSynchronize(stream_);  // before the memory that it copies from goes
    cudaStreamDestroy(stream_);
  }

  void* handle() override { return stream_; }
  void AfterKernels() override {
    Use();
    const Event so_far;
    so_far.Record(kernels_);
    so_far.Hold(stream_);  // it may be destroyed at once: CUDA keeps it until it has happened
  }
  void CopyFromHost(void* to, const void* from, size_t bytes) override {
    Use();
    std::unique_ptr<Landing> staged = Take(bytes);
    std::memcpy(staged->memory.data(), from, bytes);
    CheckCuda("copy to the GPU", cudaMemcpyAsync(to, staged->memory.data(), bytes, cudaMemcpyHostToDevice, stream_));
    staged->copied.Record(stream_);
    staged_.push_back(std::move(staged));
  }
  void AddParts(const BFloat16* parts, int64_t count, int64_t size, BFloat16* sum) override {
    Use();
    kernels::AddParts(kernels::Cuda{stream_}, count, size, parts, sum);
  }
  std::unique_ptr<Mark> Record() override {
    Use();
    auto mark = std::make_unique<StreamMark>(index_, kernels_);
    mark->event.Record(stream_);
    return mark;
  }

 private:
  struct StreamMark : Mark {
    StreamMark(int of_device, cudaStream_t of_kernels) : device(of_device), kernels(of_kernels) {}
    bool Reached() override {
      MakeCurrent(device);
      return event.Reached();
    }
    void HoldKernels() override {
      MakeCurrent(device);
      event.Hold(kernels);
    }
    const int device;
    const cudaStream_t kernels;
    const Event event;
  };

  void Use() const { MakeCurrent(index_); }

  // Pinned memory that no copy reads. Sizes are powers of two, so that batches of other sizes need no other.
  std::unique_ptr<Landing> Take(size_t bytes) {
    const size_t size = std::bit_ceil(std::max<size_t>(bytes, 4096));
    for (auto staged = staged_.begin(); staged != staged_.end(); ++staged) {
      if ((*staged)->size != size || !(*staged)->copied.Reached()) continue;
      std::unique_ptr<Landing> free = std::move(*staged);
      staged_.erase(staged);
      return free;
    }
    return std::make_unique<Landing>(size);
  }

  const int index_;
  const cudaStream_t kernels_;
  cudaStream_t stream_ = nullptr;
  std::deque<std::unique_ptr<Landing>> staged_;  // what copies read or have read, in their order
};

// A CUDA graph.
class RecordedGraph : public RecordedWork {
 public:
  // Ends the capture of `stream` and holds what was captured.
  explicit RecordedGraph(cudaStream_t stream) : stream_(stream) {
    cudaGraph_t graph = nullptr;
    CheckCuda("the end of a capture", cudaStreamEndCapture(stream, &graph));
    const cudaError_t counted = cudaGraphGetNodes(graph, nullptr, &size_);
    const cudaError_t made = cudaGraphInstantiate(&graph_, graph, 0);
    cudaGraphDestroy(graph);
    CheckCuda("a CUDA graph", counted);
    CheckCuda("a CUDA graph", made);
  }
  ~RecordedGraph() override { cudaGraphExecDestroy(graph_); }  // work in progress still completes
  void Launch() override { CheckCuda("launch of a CUDA graph", cudaGraphLaunch(graph_, stream_)); }
  int64_t size() const override { return static_cast<int64_t>(size_); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t graph_ = nullptr;
  size_t size_ = 0;
};

// While one is alive, this thread may make calls that CUDA considers unsafe during a capture. We use it to allocate
// memory, which is not stream work and waits for none.
class PermitInCapture {
 public:
  PermitInCapture() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~PermitInCapture() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  PermitInCapture(const PermitInCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

class CudaDeviceBackend : public Backend {
 public:
  CudaDeviceBackend() {
    int driver = 0, runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    const auto version = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
    const cudaError_t error = cudaGetDeviceCount(&count_);
    if (error != cudaSuccess) count_ = 0;
    if (driver == 0)
      reason_ = "there is no NVIDIA driver";
    else if (error == cudaErrorInsufficientDriver)
      reason_ = "the NVIDIA driver is for CUDA " + version(driver) + ", this build needs " + version(runtime);
    else if (error == cudaErrorNoDevice || (error == cudaSuccess && count_ == 0))
      reason_ = "the driver finds no GPU";
    else if (error != cudaSuccess)
      fault_ = std::string("there may be a GPU, but CUDA fails: ") + cudaGetErrorString(error) + " (" +
               cudaGetErrorName(error) + "); nvidia-smi may tell more, and --device cpu computes on the processor";
    gpus_ = std::vector<Gpu>(count_);
  }

  int count(std::string* reason) override {
    Check(fault_.empty(), fault_);
    if (reason) *reason = reason_;
    return count_;
  }

  std::string Describe(int index) override { return kernels::DescribeGpu(index); }

  // Makes the device current and sets it up on first use.
  Gpu& Use(int index) {
    MakeCurrent(index);
    Gpu& gpu = gpus_[index];
    if (!gpu.stream) {
      kernels::SetWhereabouts(ProfileRange::Current);
      kernels::DescribeGpu(index);
      CheckCuda("stream", cudaStreamCreateWithFlags(&gpu.stream, cudaStreamNonBlocking));
      gpu.staging = std::make_unique<StagingRing>();
      kernels::SetScratchAllocator({[](kernels::Cuda, size_t bytes) { return Allocate(Current(), bytes); },
                                    [](kernels::Cuda, void* memory) { Deallocate(Current(), memory); }});
    }
    return gpu;
  }

  void* Obtain(int index, size_t bytes) override {
    Use(index);
    const PermitInCapture permit;
    void* data = nullptr;
    const cudaError_t error = cudaMalloc(&data, bytes);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // clears the error, which is handled here
      return nullptr;
    }
    CheckCuda("cudaMalloc", error);
    return data;
  }
  void Release(int index, void* data, size_t) noexcept override {
    cudaSetDevice(index);
    cudaFree(data);
  }

  void CopyFromHost(int index, void* to, const void* from, size_t bytes) override {
    Gpu& gpu = Use(index);
    std::lock_guard lock(gpu.mutex);
    gpu.staging->Copy(gpu.stream, to, from, bytes);
  }
  void CopyToHost(int index, void* to, const void* from, size_t bytes) override {
    const Gpu& gpu = Use(index);
    CheckCuda("copy from the GPU", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, gpu.stream));
    CheckCuda("copy from the GPU", cudaStreamSynchronize(gpu.stream));
  }
  void CopyWithin(int index, void* to, const void* from, size_t bytes) override {
    CheckCuda("copy on the GPU", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, Use(index).stream));
  }
  void FillZero(int index, void* data, size_t bytes) override {
    CheckCuda("fill with zeros", cudaMemsetAsync(data, 0, bytes, Use(index).stream));
  }
  void Fill(int index, void* data, const void* element, size_t element_bytes, size_t count) override {
    kernels::FillMemory({Use(index).stream}, data, element, element_bytes, count);
  }
  std::unique_ptr<PendingCopy> StartCopyToHost(int index, const std::vector<DeviceBytes>& pieces) override {
    return std::make_unique<CopyOnItsWay>(Use(index), pieces);
  }
  void Synchronize(int index) override { CheckCuda("synchronisation", cudaStreamSynchronize(Use(index).stream)); }
  std::unique_ptr<SideQueue> MakeSideQueue(int index) override {
    return std::make_unique<SideStream>(index, Use(index).stream);
  }

  bool captures() const override { return true; }
  void BeginCapture(int index) override {
    CheckCuda("capture", cudaStreamBeginCapture(Use(index).stream, cudaStreamCaptureModeThreadLocal));
  }
  std::unique_ptr<RecordedWork> EndCapture(int index) override {
    try {
      return std::make_unique<RecordedGraph>(Use(index).stream);
    } catch (...) {
      cudaGetLastError();  // clears the error, so that the next kernel does not report it
      throw;
    }
  }

  double Time(int index, const std::function<void()>& run) override {
    const Event start(cudaEventDefault), end(cudaEventDefault);
    start.Record(Use(index).stream);
    run();
    end.Record(Use(index).stream);
    end.Wait("timing");
    return end.SecondsSince(start);
  }

 private:
  static Device Current() {
    int index = 0;
    cudaGetDevice(&index);
    return {DeviceType::kCuda, index};
  }

  int count_ = 0;
  std::string reason_;  // why there is no GPU
  std::string fault_;   // why it cannot be determined whether there is one
  std::vector<Gpu> gpus_;
};

CudaDeviceBackend& TheBackend() {
  static CudaDeviceBackend* backend = new CudaDeviceBackend;
  return *backend;
}

#else

class NoCuda : public Backend {
 public:
  int count(std::string* reason) override {
    if (reason) *reason = "this program was built without CUDA";
    return 0;
  }
  std::string Describe(int) override { return ""; }
  void* Obtain(int, size_t) override { return nullptr; }
  void Release(int, void*, size_t) noexcept override {}
  void CopyFromHost(int, void*, const void*, size_t) override {}
  void CopyToHost(int, void*, const void*, size_t) override {}
  void CopyWithin(int, void*, const void*, size_t) override {}
  void FillZero(int, void*, size_t) override {}
  void Fill(int, void*, const void*, size_t, size_t) override {}
  std::unique_ptr<PendingCopy> StartCopyToHost(int, const std::vector<DeviceBytes>&) override { return nullptr; }
  void Synchronize(int) override {}
};

Backend& TheBackend() {
  static Backend* backend = new NoCuda;
  return *backend;
}

#endif

}  // namespace

#ifdef ORBIT_CUDA
kernels::Cuda StreamOf(Device device) { return {TheBackend().Use(device.index).stream}; }
#endif

Backend& CudaBackend() { return TheBackend(); }

}  // namespace orbit
