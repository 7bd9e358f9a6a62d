// Options of the sanitizers, for every program that has the emulator and none of its own; the environment's come on
// top.
#include "kernels/simt/sanitizer.h"

// Leaks are no concern here, and looking for them needs ptrace, which many containers forbid.
extern "C" [[gnu::weak]] const char* __asan_default_options() {
  return "detect_leaks=0:detect_stack_use_after_return=0";
}

extern "C" [[gnu::weak]] const char* __tsan_default_options() { return "report_thread_leaks=0"; }
