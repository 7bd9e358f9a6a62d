// Deterministic data parallelism on the host.
//
// Work is cut into chunks whose bounds depend on the problem alone, never on the number of threads. A kernel that sums
// gives each chunk its own partial sum and adds these in the order of the chunks. So the same input gives the same bits
// on any number of threads.
#ifndef ORBIT_KERNELS_PARALLEL_H_
#define ORBIT_KERNELS_PARALLEL_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace orbit::kernels {

// The number of threads ParallelFor uses: initially what OMP_NUM_THREADS says or, without it, the number of processors
// that are available to the process and covered by its container's quota.
int NumThreads();
void SetNumThreads(int threads);  // throws Error below 1

namespace internal {
using ChunkFunction = void (*)(void* context, int64_t chunk);
void RunChunks(int64_t chunks, ChunkFunction function, void* context);
}  // namespace internal

// Calls f(chunk) once for each chunk = 0 .. chunks - 1, on any thread and in any order. Calls nested within f run on
// the calling thread alone. The first exception that f throws is rethrown when all threads are done.
template <class F>
void ParallelChunks(int64_t chunks, F&& f) {
  internal::RunChunks(
      chunks, [](void* context, int64_t chunk) { (*static_cast<std::remove_reference_t<F>*>(context))(chunk); }, &f);
}

inline int64_t NumChunks(int64_t size, int64_t grain) { return (size + grain - 1) / grain; }

// Calls f(begin, end) for consecutive ranges of at most `grain` elements that cover [0, size).
template <class F>
void ParallelFor(int64_t size, int64_t grain, F&& f) {
  ParallelChunks(NumChunks(size, grain), [&](int64_t chunk) { f(chunk * grain, std::min(size, (chunk + 1) * grain)); });
}

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PARALLEL_H_
