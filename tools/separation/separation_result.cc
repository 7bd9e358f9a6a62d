#include "tools/separation/separation_result.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/atomic_file.h"
#include "kernels/error.h"

namespace orbit {

void WriteSeparationResult(const SeparationResult& result, const std::string& path) {
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  for (const auto& [key, value] : result.settings) settings[key] = value;
  const nlohmann::ordered_json json = {{"dataset", result.dataset},
                                       {"model", result.model},
                                       {"distribution", result.distribution},
                                       {"criterion", result.criterion},
                                       {"seeds", result.seeds},
                                       {"samples", result.samples},
                                       {"pairs_left", result.left},
                                       {"pairs", result.total},
                                       {"isomorphic_pairs", result.isomorphic},
                                       {"controls", result.controls},
                                       {"controls_apart", result.controls_apart},
                                       {"settings", settings}};
  io::WriteFileAtomically(path, json.dump() + "\n");
}

SeparationResult ReadSeparationResult(const std::string& path) {
  std::ifstream file(path);
  Check(file.is_open(), "cannot read ", path);
  try {
    const auto json = nlohmann::ordered_json::parse(file);
    SettingTexts settings;
    if (json.contains("settings"))
      for (const auto& [key, value] : json.at("settings").items()) settings.emplace_back(key, value);
    return {.dataset = json.at("dataset"),
            .model = json.at("model"),
            .distribution = json.at("distribution"),
            .criterion = json.value("criterion", "published"),  // the one there was before files named it
            .seeds = json.at("seeds"),
            .samples = json.at("samples"),
            .left = json.at("pairs_left"),
            .total = json.at("pairs"),
            .isomorphic = json.value("isomorphic_pairs", int64_t{0}),
            .controls = json.value("controls", int64_t{0}),
            .controls_apart = json.value("controls_apart", int64_t{0}),
            .settings = std::move(settings)};
  } catch (const nlohmann::json::exception& exception) {
    Fail(path, ": not a result of separate: ", exception.what());
  }
}

}  // namespace orbit
