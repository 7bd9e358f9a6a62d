#include "engine/nn/module.h"

namespace orbit::nn {
namespace {

void Ignore(const std::string&, const Variable&) {}

auto AppendTo(std::vector<NamedVariable>& list) {
  return [&list](const std::string& name, const Variable& variable) { list.push_back({name, variable}); };
}

bool IsBatchCounter(const std::string& name, const Tensor& tensor) {
  return name.ends_with("num_batches_tracked") && !IsFloating(tensor.dtype());
}

}  // namespace

void Module::Visit(const std::string& prefix, const Visitor& parameter, const Visitor& buffer) const {
  for (const auto& [name, variable] : parameters_) parameter(prefix + name, variable);
  for (const auto& [name, variable] : buffers_) buffer(prefix + name, variable);
  for (const auto& [name, module] : modules_)
    module->Visit(name.empty() ? prefix : prefix + name + ".", parameter, buffer);
}

std::vector<NamedVariable> Module::NamedParameters() const {
  std::vector<NamedVariable> list;
  Visit("", AppendTo(list), Ignore);
  return list;
}

std::vector<NamedVariable> Module::NamedBuffers() const {
  std::vector<NamedVariable> list;
  Visit("", Ignore, AppendTo(list));
  return list;
}

int64_t Module::NumParameters() const {
  int64_t count = 0;
  for (const NamedVariable& parameter : NamedParameters()) count += parameter.variable.size();
  return count;
}

void Module::Train(bool training) {
  training_ = training;
  for (auto& [name, module] : modules_) module->Train(training);
}

void Module::Convert(const std::function<Tensor(const Tensor&)>& convert) {
  const auto visit = [&](const std::string&, const Variable& variable) {
    variable.set_value(convert(variable.value()));
    variable.ZeroGrad();
  };
  Visit("", visit, visit);
}

void Module::To(DType dtype) {
  Check(IsFloating(dtype), "a module cannot be converted to ", NameOf(dtype));
  Convert([&](const Tensor& tensor) { return IsFloating(tensor.dtype()) ? tensor.To(dtype) : tensor; });
}

void Module::To(Device device) {
  Convert([&](const Tensor& tensor) { return tensor.To(device); });
}

TensorMap Module::StateDict() const {
  TensorMap state;
  const auto insert = [&](const std::string& name, const Variable& variable) {
    Check(state.emplace(name, variable.value()).second, "two parameters or buffers are named ", name);
  };
  Visit("", insert, insert);
  return state;
}

void Module::LoadStateDict(const TensorMap& state, CopyOptions options) {
  TensorMap sources = state;
  std::erase_if(sources, [](const auto& entry) { return IsBatchCounter(entry.first, entry.second); });
  CopyTensors("the state", sources, StateDict(), options);
}

Variable Module::AddParameter(const std::string& name, Tensor value) {
  CheckNew(name);
  return parameters_.emplace_back(NamedVariable{name, Variable(std::move(value), true)}).variable;
}

Variable Module::AddBuffer(const std::string& name, Tensor value) {
  CheckNew(name);
  return buffers_.emplace_back(NamedVariable{name, Variable(std::move(value))}).variable;
}

void Module::AddModule(const std::string& name, Module& module) {
  if (!name.empty()) CheckNew(name);
  modules_.emplace_back(name, &module);
}

void Module::CheckNew(const std::string& name) const {
  bool taken = name.empty();
  for (const NamedVariable& parameter : parameters_) taken |= parameter.name == name;
  for (const NamedVariable& buffer : buffers_) taken |= buffer.name == name;
  for (const auto& [other, module] : modules_) taken |= other == name;
  Check(!taken, "a module cannot register the name '", name, "': empty or taken");
}

}  // namespace orbit::nn
