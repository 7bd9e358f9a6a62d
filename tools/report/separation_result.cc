#include "tools/report/separation_result.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/io/atomic_file.h"
#include "kernels/error.h"

namespace orbit {

void WriteSeparationResult(const SeparationResult& result, const std::string& path) {
  const nlohmann::ordered_json json = {
      {"dataset", result.dataset}, {"model", result.model},     {"distribution", result.distribution},
      {"seeds", result.seeds},     {"samples", result.samples}, {"pairs_left", result.left},
      {"pairs", result.total}};
  io::WriteFileAtomically(path, json.dump() + "\n");
}

SeparationResult ReadSeparationResult(const std::string& path) {
  std::ifstream file(path);
  Check(file.is_open(), "cannot read ", path);
  try {
    const auto json = nlohmann::json::parse(file);
    return {.dataset = json.at("dataset"),
            .model = json.at("model"),
            .distribution = json.at("distribution"),
            .seeds = json.at("seeds"),
            .samples = json.at("samples"),
            .left = json.at("pairs_left"),
            .total = json.at("pairs")};
  } catch (const nlohmann::json::exception& exception) {
    Fail(path, ": not a result of separate: ", exception.what());
  }
}

}  // namespace orbit
