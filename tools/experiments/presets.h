// Presets: YAML files in tools/presets, built into the programs.
#ifndef ORBIT_TOOLS_EXPERIMENTS_PRESETS_H_
#define ORBIT_TOOLS_EXPERIMENTS_PRESETS_H_

#include <string>
#include <string_view>
#include <vector>

namespace orbit {

struct Preset {
  std::string_view name;  // file name without .yaml
  std::string_view yaml;
};

const std::vector<Preset>& Presets();
const Preset& FindPreset(const std::string& name);  // throws Error, suggesting the nearest name
std::string Description(const Preset& preset);      // the first line, a comment

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PRESETS_H_
