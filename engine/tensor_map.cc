#include "engine/tensor_map.h"

namespace orbit {
namespace {

bool Fits(const Tensor& source, const Tensor& destination) {
  return source.shape() == destination.shape() &&
         (source.dtype() == destination.dtype() || (IsFloating(source.dtype()) && IsFloating(destination.dtype())));
}

std::string Brief(const Tensor& tensor) { return NameOf(tensor.dtype()) + (" " + ToString(tensor.shape())); }

}  // namespace

void CopyTensors(const std::string& what, const TensorMap& sources, const TensorMap& destinations,
                 CopyOptions options) {
  std::string problems;
  for (const auto& [name, destination] : destinations) {
    const auto source = sources.find(name);
    if (source == sources.end()) {
      if (!options.allow_missing) problems += "\n  missing: " + name + " " + Brief(destination);
    } else if (!Fits(source->second, destination)) {
      problems += "\n  mismatch: " + name + " is " + Brief(source->second) + ", wanted " + Brief(destination);
    }
  }
  if (!options.allow_unexpected)
    for (const auto& [name, source] : sources)
      if (!destinations.contains(name)) problems += "\n  unexpected: " + name + " " + Brief(source);
  Check(problems.empty(), what, " does not fit:", problems);

  for (const auto& [name, destination] : destinations)
    if (const auto source = sources.find(name); source != sources.end())
      destination.CopyFrom(source->second.To(destination.dtype()));
}

}  // namespace orbit
