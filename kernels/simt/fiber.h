// A thread of a kernel as a fiber, with its own stack, that is entered and left explicitly.
#ifndef ORBIT_KERNELS_SIMT_FIBER_H_
#define ORBIT_KERNELS_SIMT_FIBER_H_

#include <boost/context/fiber.hpp>
#include <cstddef>

namespace orbit::kernels::simt {

// AddressSanitizer is told of every change of stack. ThreadSanitizer sees each fiber as the thread `identity`;
// switching fibers orders no memory, only Release and Acquire do.
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
  boost::context::fiber inside_, outside_;  // the one that is not running
  bool finished_ = false;
  void *outside_fake_stack_ = nullptr, *inside_fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_stack_size_ = 0;
  void *outside_thread_ = nullptr, *inside_thread_ = nullptr;
};

// A thread for ThreadSanitizer, the same one for the same numbers; null without it. They are reused, because making one
// takes a millisecond. Reuse orders fibers of the same number, but not fibers of different groups.
void* ThreadIdentity(int group, int number);

// Whoever acquires an address sees what fibers did before they released it. Both do nothing without ThreadSanitizer.
void Release(void* address);
void Acquire(void* address);

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_FIBER_H_
