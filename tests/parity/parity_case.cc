#include "tests/parity/parity_case.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/io/safetensors.h"

namespace orbit::parity {
namespace {

// Recorded tensors below this norm are only rounding; relative to the largest gradient's norm if that is above 1.
constexpr double kZero = 1e-12;

double Norm(const Tensor& tensor) {
  double squares = 0;
  for (const double value : tensor.ToVector<double>()) squares += value * value;
  return std::sqrt(squares);
}

}  // namespace

Case ReadCase(const std::string& path, DType dtype, Device device) {
  io::Safetensors file = io::ReadSafetensors(path);
  Check(file.metadata["format"] == "lps-golden-1", path, " is no recorded case: its format is '",
        file.metadata["format"], "', not 'lps-golden-1'");
  return {path, nlohmann::json::parse(file.metadata["spec"]), std::move(file.tensors), dtype, device};
}

Tensor Case::Get(const std::string& name) const {
  const auto found = tensors.find(name);
  Check(found != tensors.end(), path, " has no tensor ", name);
  const Tensor& tensor = found->second;
  return (IsFloating(tensor.dtype()) ? tensor.To(dtype) : tensor).To(device);
}

TensorMap Case::Group(const std::string& prefix) const {
  TensorMap group;
  for (const auto& [name, tensor] : tensors)
    if (name.rfind(prefix, 0) == 0) group[name.substr(prefix.size())] = tensor;
  return group;
}

void Case::Load(nn::Module& module, bool train, const std::string& part) const {
  TensorMap state = Group("param/" + part);
  state.merge(Group("buffer/" + part));
  module.To(dtype);
  module.To(device);
  module.LoadStateDict(state);
  module.Train(train);
}

double RelativeError(const Tensor& ours, const Tensor& reference, double scale) {
  Check(ours.shape() == reference.shape(), "shape ", ToString(ours.shape()), " where the reference has ",
        ToString(reference.shape()));
  // Tensors that the reference kept in single precision are compared after rounding to it.
  const std::vector<double> a = (IsFloating(ours.dtype()) ? ours.To(reference.dtype()) : ours).ToVector<double>();
  const std::vector<double> b = reference.ToVector<double>();
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference += (a[i] - b[i]) * (a[i] - b[i]);
  const double norm = Norm(reference), zero = kZero * std::max(scale, 1.0);
  return std::sqrt(difference) / (norm < zero ? std::max(scale, 1.0) : norm);
}

void Report::CompareOutput(const Case& recorded, const std::string& name, const Tensor& ours) {
  const auto found = recorded.tensors.find("out/" + name);
  Check(found != recorded.tensors.end(), recorded.path, " has no output ", name);
  outputs.push_back({name, RelativeError(ours, found->second)});
}

void Report::CompareState(const Case& recorded, const nn::Module& module) {
  TensorMap ours;
  for (const auto& [name, variable] : module.NamedParameters())
    ours[name] = variable.grad().defined() ? variable.grad() : Tensor::ZerosLike(variable.value());
  double scale = 0;
  for (const auto& [name, reference] : recorded.Group("grad/")) scale = std::max(scale, Norm(reference));
  for (const auto& [name, reference] : recorded.Group("grad/")) {
    Check(ours.count(name), recorded.path, " has the gradient of ", name, ", which the model lacks");
    gradients.push_back({name, RelativeError(ours[name], reference, scale)});
  }
  TensorMap buffers;
  for (const auto& [name, variable] : module.NamedBuffers()) buffers[name] = variable.value();
  for (const auto& [name, reference] : recorded.Group("buffer_after/")) {
    Check(buffers.count(name), recorded.path, " has the buffer ", name, ", which the model lacks");
    outputs.push_back({name, RelativeError(buffers[name], reference)});
  }
}

}  // namespace orbit::parity
