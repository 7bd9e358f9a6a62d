// Default sanitizer options for every program that includes the emulator and defines none; the environment's are added.
#include "kernels/simt/sanitizer.h"

// Leaks do not matter here, and detecting them needs ptrace, which many containers forbid.
extern "C" [[gnu::weak]] const char* __asan_default_options() {
  return "detect_leaks=0:detect_stack_use_after_return=0";
}

extern "C" [[gnu::weak]] const char* __tsan_default_options() { return "report_thread_leaks=0"; }
