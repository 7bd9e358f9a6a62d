#include "kernels/parallel.h"

#include <omp.h>
#include <sched.h>

#include <cmath>
#include <cstdlib>
#include <exception>
#include <string>

#include "kernels/error.h"
#include "kernels/processor_quota.h"

namespace orbit::kernels {
namespace {

int DefaultThreads() {
  if (std::getenv("OMP_NUM_THREADS")) return omp_get_max_threads();
  cpu_set_t set;
  const int processors = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  return std::max(1, static_cast<int>(std::min<double>(processors, std::ceil(ProcessorQuota()))));
}

int& Threads() {
  static int threads = DefaultThreads();
  return threads;
}

}  // namespace

int NumThreads() { return Threads(); }

void SetNumThreads(int threads) {
  Check(threads >= 1, "the number of threads must be at least 1, got ", threads);
  Threads() = threads;
}

namespace internal {

void RunChunks(int64_t chunks, ChunkFunction function, void* context) {
  if (chunks <= 1 || Threads() == 1 || omp_in_parallel()) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) function(context, chunk);
    return;
  }
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(std::min <int64_t>(chunks, Threads())))
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    try {
      function(context, chunk);
    } catch (...) {
#pragma omp critical(orbit_parallel_error)
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace internal
}  // namespace orbit::kernels
