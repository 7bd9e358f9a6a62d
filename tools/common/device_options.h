// The command-line options for device and threads, which all programs share.
#ifndef ORBIT_TOOLS_COMMON_DEVICE_OPTIONS_H_
#define ORBIT_TOOLS_COMMON_DEVICE_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "engine/device.h"

namespace orbit {

struct DeviceOptions {
  std::string device;  // empty: a GPU where there is one
  int threads = 0;     // 0: one for every processor that the process may use
};

void AddDeviceOptions(CLI::App& app, DeviceOptions& options);

// Applies the options and returns the device. Where no number of a GPU was asked for, it is that of the rank among
// those of this machine. If no device was asked for and a build with CUDA finds no GPU or no driver, says so on stderr
// and uses the CPU. Throws Error for a device that this build or machine does not have, or that does not work.
Device ApplyDeviceOptions(const DeviceOptions& options, int local_rank = 0);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_DEVICE_OPTIONS_H_
