// The command-line options of programs that run on several ranks.
#ifndef ORBIT_TOOLS_COMMON_DISTRIBUTED_OPTIONS_H_
#define ORBIT_TOOLS_COMMON_DISTRIBUTED_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "engine/distributed/make_communicator.h"

namespace orbit {

struct DistributedOptions {
  RankFlags flags;
  std::string interface, library;
  double deadline = 60;
};

void AddDistributedOptions(CLI::App& app, DistributedOptions& options);

// What the flags and the launcher's environment say together. Throws Error if they contradict each other.
CommunicatorOptions FindCommunicatorOptions(const DistributedOptions& options);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_DISTRIBUTED_OPTIONS_H_
