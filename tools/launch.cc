#include "tools/launch.h"

#include <iostream>

#include "kernels/cpu/parallel.h"

namespace orbit {

void AddLaunchOptions(CLI::App& app, LaunchOptions& options) {
  app.add_option("--device", options.device, "where to compute")->capture_default_str();
  app.add_option("--threads", options.threads, "processor threads; results do not depend on it (default: all)")
      ->check(CLI::Range(1, 1024));
}

Device Launch(const LaunchOptions& options) {
  if (options.threads > 0) kernels::SetNumThreads(options.threads);
  return ParseDevice(options.device);
}

int RunProgram(const char* name, const std::function<int()>& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    std::cerr << name << ": error: " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace orbit
