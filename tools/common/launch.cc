#include "tools/common/launch.h"

#include <iostream>
#include <vector>

#include "kernels/parallel.h"

namespace orbit {

void AddLaunchOptions(CLI::App& app, LaunchOptions& options) {
  app.add_option(
      "--device", options.device,
      "where to compute: cuda, cuda:N, cpu, or simt, an emulator of GPUs for tests (default: cuda where there "
      "is a GPU, else cpu)");
  app.add_option("--threads", options.threads,
                 "processor threads; results do not depend on it (default: OMP_NUM_THREADS, or all that the machine, "
                 "or the container's quota, allows)")
      ->check(CLI::Range(1, 1024));
}

Device Launch(const LaunchOptions& options) {
  if (options.threads > 0) kernels::SetNumThreads(options.threads);
  if (!options.device.empty()) return ParseDevice(options.device);
  std::string reason;
  if (const std::vector<Device> gpus = CudaDevices(&reason); !gpus.empty()) return gpus[0];
#ifdef ORBIT_CUDA
  std::cerr << "no GPU (" << reason << "): computing on the processor" << std::endl;
#endif
  return {};
}

}  // namespace orbit
