// What all programs share: the options for device and threads, and errors told the same way.
#ifndef ORBIT_TOOLS_LAUNCH_H_
#define ORBIT_TOOLS_LAUNCH_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "engine/device.h"

namespace orbit {

struct LaunchOptions {
  std::string device;             // empty: a GPU where there is one
  std::string precision = "f32";  // of matrix products on a GPU: f32, tf32 or bf16
  int threads = 0;                // 0: one for every processor that the process may use
};

void AddLaunchOptions(CLI::App& app, LaunchOptions& options);

// Applies them, and says on stderr why a build with CUDA goes on without a GPU where none was asked for. Throws Error
// for a device that this build or machine does not have.
Device Launch(const LaunchOptions& options);

// The exit status of `run`; an exception it throws is told in one line on stderr, with status 1.
int RunProgram(const char* name, const std::function<int()>& run);

}  // namespace orbit

#endif  // ORBIT_TOOLS_LAUNCH_H_
