#include "kernels/processor_quota.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

namespace orbit::kernels {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// "200000 100000": microseconds of processor time in a period of as many. "max" or -1 in the place of the first: any.
double Read(const std::string& quota_file, const std::string& period_file = "") {
  double quota = 0, period = 0;
  std::ifstream file(quota_file);
  file >> quota;
  if (!period_file.empty()) file = std::ifstream(period_file);
  file >> period;
  return file && quota > 0 && period > 0 ? quota / period : kUnlimited;
}

}  // namespace

double ProcessorQuota(const std::string& root) {
  const std::string mount = root + "/sys/fs/cgroup";
  double quota = kUnlimited;
  // Lines are HIERARCHY:CONTROLLERS:PATH. Within a container the path may be that of the host, which is not there.
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool unified = controllers == ",,";
    if (!unified && controllers.find(",cpu,") == std::string::npos) continue;
    for (std::filesystem::path path = line.substr(second + 1);; path = path.parent_path()) {
      const std::string group = mount + (unified ? "" : "/cpu") + path.string();
      quota = std::min(
          quota, unified ? Read(group + "/cpu.max") : Read(group + "/cpu.cfs_quota_us", group + "/cpu.cfs_period_us"));
      if (!path.has_relative_path()) break;
    }
  }
  return quota;
}

}  // namespace orbit::kernels
