#include "tools/experiments/presets.h"

#include "kernels/error.h"
#include "tools/common/nearest_name.h"

namespace orbit {

const Preset& FindPreset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& preset : Presets()) {
    if (preset.name == name) return preset;
    names.emplace_back(preset.name);
  }
  Fail("unknown preset '", name, "'", DidYouMean(name, names), "; --help lists them");
}

std::string Description(const Preset& preset) {
  const std::string_view line = preset.yaml.substr(0, preset.yaml.find('\n'));
  return line.starts_with("# ") ? std::string(line.substr(2)) : "";
}

}  // namespace orbit
