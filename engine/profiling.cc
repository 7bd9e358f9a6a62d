#include "engine/profiling.h"

#ifdef ORBIT_CUDA
#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>
#endif

namespace orbit {
namespace {

thread_local ProfileRange* innermost = nullptr;

}  // namespace

ProfileRange::ProfileRange(const char* name) : name_(name), outer_(innermost) {
  innermost = this;
#ifdef ORBIT_CUDA
  nvtxRangePushA(name);
#endif
}

ProfileRange::~ProfileRange() {
  innermost = outer_;
#ifdef ORBIT_CUDA
  nvtxRangePop();
#endif
}

std::string ProfileRange::Current() {
  std::string path;
  for (const ProfileRange* range = innermost; range; range = range->outer_)
    path = path.empty() ? range->name_ : range->name_ + (" > " + path);
  return path;
}

void StartProfiler() {
#ifdef ORBIT_CUDA
  cudaProfilerStart();
#endif
}

void StopProfiler() {
#ifdef ORBIT_CUDA
  cudaProfilerStop();
#endif
}

}  // namespace orbit
