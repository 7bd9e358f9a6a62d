#include "kernels/simt/fiber.h"

#include <sanitizer/common_interface_defs.h>
#include <sanitizer/tsan_interface.h>

#include <utility>
#include <vector>

#include "kernels/simt/sanitizer.h"

namespace orbit::kernels::simt {
namespace {

constexpr unsigned kNoSynchronization = 1;  // flag of __tsan_switch_to_fiber

// A stack that the caller owns.
struct BorrowedStack {
  boost::context::stack_context allocate() { return {}; }
  void deallocate(boost::context::stack_context&) noexcept {}
};

boost::context::preallocated Preallocated(char* stack, size_t size) {
  boost::context::stack_context context;
  context.sp = stack + size;
  context.size = size;
  return {context.sp, size, context};
}

}  // namespace

Fiber::Fiber(void* identity, char* stack, size_t stack_size, void (*body)(void*), void* argument)
    : stack_(stack), stack_size_(stack_size), inside_thread_(identity) {
  if constexpr (kThreadSanitizer) outside_thread_ = __tsan_get_current_fiber();
  inside_ = boost::context::fiber(std::allocator_arg, Preallocated(stack, stack_size), BorrowedStack(),
                                  [this, body, argument](boost::context::fiber&& outside) {
                                    outside_ = std::move(outside);
                                    if constexpr (kAddressSanitizer)
                                      __sanitizer_finish_switch_fiber(nullptr, &outside_stack_, &outside_stack_size_);
                                    body(argument);
                                    finished_ = true;
                                    Leave(/*for_good=*/true);
                                    return std::move(outside_);
                                  });
}

void Fiber::Resume() {
  if constexpr (kAddressSanitizer) __sanitizer_start_switch_fiber(&outside_fake_stack_, stack_, stack_size_);
  if constexpr (kThreadSanitizer) __tsan_switch_to_fiber(inside_thread_, kNoSynchronization);
  inside_ = std::move(inside_).resume();
  if constexpr (kAddressSanitizer) __sanitizer_finish_switch_fiber(outside_fake_stack_, nullptr, nullptr);
}

void Fiber::Leave(bool for_good) {
  if constexpr (kAddressSanitizer)
    __sanitizer_start_switch_fiber(for_good ? nullptr : &inside_fake_stack_, outside_stack_, outside_stack_size_);
  if constexpr (kThreadSanitizer) __tsan_switch_to_fiber(outside_thread_, kNoSynchronization);
}

void Fiber::Suspend() {
  Leave(/*for_good=*/false);
  outside_ = std::move(outside_).resume();
  if constexpr (kAddressSanitizer)
    __sanitizer_finish_switch_fiber(inside_fake_stack_, &outside_stack_, &outside_stack_size_);
}

void* ThreadIdentity(int group, int number) {
  if constexpr (!kThreadSanitizer) return nullptr;
  thread_local std::vector<std::vector<void*>> identities;
  if (static_cast<int>(identities.size()) <= group) identities.resize(group + 1);
  while (static_cast<int>(identities[group].size()) <= number) identities[group].push_back(__tsan_create_fiber(0));
  return identities[group][number];
}

void Release(void* address) {
  if constexpr (kThreadSanitizer) __tsan_release(address);
}

void Acquire(void* address) {
  if constexpr (kThreadSanitizer) __tsan_acquire(address);
}

}  // namespace orbit::kernels::simt
