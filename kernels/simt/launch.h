// Runs a kernel: blocks one after another, the threads of a block as fibers.
//
// A thread runs until it finishes or waits for others; the schedule (schedule.h) chooses which one runs next. Barriers,
// shuffles and votes are all implemented as a rendezvous of the threads of a block or of some lanes of a warp.
#ifndef ORBIT_KERNELS_SIMT_LAUNCH_H_
#define ORBIT_KERNELS_SIMT_LAUNCH_H_

#include <cstddef>
#include <cstdint>
#include <source_location>

namespace orbit::kernels::simt {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

struct Extent {
  unsigned x = 1, y = 1, z = 1;
  constexpr Extent(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// The indices and extents of the running thread.
struct Place {
  Index thread, block;
  Extent threads, blocks;

  unsigned lane() const { return linear() % 32; }
  unsigned linear() const { return thread.x + threads.x * (thread.y + threads.y * thread.z); }
};

extern constinit thread_local const Place* place;  // null outside of kernels

struct Configuration {
  const char* operation;
  Extent blocks, threads;
  size_t shared_bytes;     // dynamic
  bool permitted = false;  // whether the kernel may have more than 48 KB of static and dynamic shared memory together
};

// Calls body(arguments) on every thread. Throws std::runtime_error, with the operation, the block and the place in the
// source, if no GPU takes the configuration, if threads wait for others that never come, or if a lane takes part in an
// exchange that its mask excludes. Rethrows what a thread of the kernel throws.
void Run(const Configuration& configuration, void (*body)(const void*), const void* arguments);

// ---- What a thread can call ----

// Computes in place on what the threads of a rendezvous brought: operands[lane] or, for a block, operands[thread]; null
// for threads that take no part.
using Exchange = void (*)(void* const* operands, int count);

struct Rendezvous {
  const char* what;            // the name of the call
  std::source_location where;  // must be the same for all
  uint32_t lanes = 0;          // of the warp; 0: the whole block. Finished threads are not waited for.
  bool orders_memory = false;  // what each thread did before, all see afterwards
  Exchange exchange = nullptr;
  void* operand = nullptr;
};

void Meet(const Rendezvous& rendezvous);

// Lets other threads run if the schedule wants it.
void Yield();

void* DynamicShared();
void* StaticShared(const void* key, size_t size);

// An asynchronous copy to shared memory: the destination is poisoned at once and written when the copy is waited for.
void CopyAsync(void* to, const void* from, size_t size);
void CommitCopies();
void WaitForCopies(int groups_in_flight, std::source_location where);

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_LAUNCH_H_
