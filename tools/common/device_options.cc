#include "tools/common/device_options.h"

#include <cstdlib>
#include <iostream>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"

namespace orbit {

void AddDeviceOptions(CLI::App& app, DeviceOptions& options) {
  app.add_option(
      "--device", options.device,
      "where to compute: cuda, cuda:N, cpu, or simt, an emulator of GPUs for tests (default: cuda where there "
      "is a GPU, else cpu)");
  app.add_option("--threads", options.threads,
                 "processor threads; results do not depend on it (default: OMP_NUM_THREADS, or all that the machine, "
                 "or the container's quota, allows)")
      ->check(CLI::Range(1, 1024));
}

Device ApplyDeviceOptions(const DeviceOptions& options, int local_rank) {
  if (options.threads > 0) kernels::SetNumThreads(options.threads);
  if (!options.device.empty() && options.device != "cuda") return ParseDevice(options.device);
  std::string reason;
  // A launcher may have left each rank a GPU of its own, which then is the only one it sees.
  if (std::getenv("CUDA_VISIBLE_DEVICES") && CudaDevices(&reason).size() == 1) local_rank = 0;
  if (const std::vector<Device> gpus = CudaDevices(&reason); !gpus.empty()) {
    Check(static_cast<size_t>(local_rank) < gpus.size(), "the rank with number ", local_rank,
          " on this machine has no GPU of its own: there are ", gpus.size(), "; --device cpu or cuda:N says otherwise");
    return gpus[local_rank];
  }
  if (options.device == "cuda") return ParseDevice(options.device);  // says why there is none
#ifdef ORBIT_CUDA
  std::cerr << "no GPU (" << reason << "): computing on the processor" << std::endl;
#endif
  return {};
}

}  // namespace orbit
