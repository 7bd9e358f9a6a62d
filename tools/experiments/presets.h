// The presets: YAML files of tools/presets, built into the programs.
#ifndef ORBIT_TOOLS_EXPERIMENTS_PRESETS_H_
#define ORBIT_TOOLS_EXPERIMENTS_PRESETS_H_

#include <string>
#include <string_view>
#include <vector>

namespace orbit {

struct Preset {
  std::string_view name;  // of the file, without .yaml
  std::string_view yaml;
};

const std::vector<Preset>& Presets();
const Preset& FindPreset(const std::string& name);  // throws Error, with the nearest name
std::string Description(const Preset& preset);      // its first line, a comment

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PRESETS_H_
