// Settings: from presets, files and assignments on the command line to one resolved config.
#ifndef ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
#define ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_

#include <string>
#include <vector>

#include "tools/experiments/config.h"

namespace orbit {

// Where settings come from, the later winning over the earlier. A preset or a file may build on a preset: `extends`.
struct SettingsSources {
  std::string preset;                    // a name; empty: none
  std::string file;                      // of YAML; empty: none
  std::vector<std::string> assignments;  // key=value
};

// Throws Error, naming the source and what is wrong with it.
Config ResolveSettings(const SettingsSources& sources);

// All keys of a task with defaults and meaning, for --help.
std::string DescribeKeys(const std::string& task);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
