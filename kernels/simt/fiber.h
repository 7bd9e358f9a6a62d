// One thread of a kernel as a fiber: a stack of its own, entered and left by hand.
#ifndef ORBIT_KERNELS_SIMT_FIBER_H_
#define ORBIT_KERNELS_SIMT_FIBER_H_

#include <boost/context/fiber.hpp>
#include <cstddef>

namespace orbit::kernels::simt {

// AddressSanitizer is told of every change of stack. To ThreadSanitizer each fiber is the thread `identity`, and a
// change of fiber orders nothing: what orders memory is said by Release and Acquire alone.
class Fiber {
 public:
  // `body` must not throw. The fiber starts with the first Resume; it must have finished before it is destroyed.
  Fiber(void* identity, char* stack, size_t stack_size, void (*body)(void*), void* argument);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void Resume();   // called from outside: returns when the fiber suspends or finishes
  void Suspend();  // called from inside: returns when the fiber is resumed
  bool finished() const { return finished_; }

 private:
  void Leave(bool for_good);

  char* stack_;
  size_t stack_size_;
  boost::context::fiber inside_, outside_;  // whichever does not run
  bool finished_ = false;
  void *outside_fake_stack_ = nullptr, *inside_fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_stack_size_ = 0;
  void *outside_thread_ = nullptr, *inside_thread_ = nullptr;
};

// A thread to ThreadSanitizer, the same one whenever asked for the same numbers; null without it. They are slow to make
// (a millisecond) and so used again; fibers of different groups are not ordered by that, those of the same number are.
void* ThreadIdentity(int group, int number);

// What the calling fiber has done is seen by whoever acquires the same address later. Nothing without ThreadSanitizer.
void Release(void* address);
void Acquire(void* address);

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_FIBER_H_
