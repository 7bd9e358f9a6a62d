// How much of the processors' time a container may use.
#ifndef ORBIT_KERNELS_PROCESSOR_QUOTA_H_
#define ORBIT_KERNELS_PROCESSOR_QUOTA_H_

#include <string>

namespace orbit::kernels {

// The smallest quota among the process's control group and those above it (Linux cgroups, versions 1 and 2), in
// processors; infinity where there is none. `root` stands for /, in tests.
double ProcessorQuota(const std::string& root = "");

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_PROCESSOR_QUOTA_H_
