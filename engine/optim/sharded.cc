#include "engine/optim/sharded.h"

#include <algorithm>
#include <utility>

namespace orbit::optim {

Sharded::Sharded(std::vector<NamedVariable> parameters, Communicator& ranks, const Make& make)
    : Optimizer(std::move(parameters), 0, {}), ranks_(ranks) {
  const Tensor first = this->parameters()[0].variable.value();
  std::vector<int64_t> begins;  // of the parameters among all elements
  int64_t size = 0;
  for (const NamedVariable& parameter : this->parameters()) {
    begins.push_back(size);
    size += parameter.variable.size();
  }
  const int64_t world = ranks.world(), shard = (size + world - 1) / world, begin = shard * ranks.rank();
  Check(shard * (world - 1) < size, "the optimiser's state of ", size, " elements cannot be divided among ", world,
        " ranks");
  all_ = Tensor::Zeros({shard * world}, first.dtype(), first.device());
  mine_ = all_.Rows(begin, begin + shard);
  std::vector<NamedVariable> parts;
  for (size_t i = 0; i < this->parameters().size(); ++i) {
    const auto& [name, variable] = this->parameters()[i];
    const Tensor elements = all_.Rows(begins[i], begins[i] + variable.size());
    elements.CopyFrom(variable.value().Reshape({-1}));
    variable.set_value(elements.Reshape(variable.shape()));
    const int64_t from = std::max<int64_t>(begin - begins[i], 0);
    const int64_t to = std::min(begin + shard - begins[i], variable.size());
    if (from > to || (from == to && variable.size() > 0)) continue;  // one without elements is a part, too
    parts_.push_back({i, from, to, Variable(elements.Rows(from, to), true)});
    parts.push_back({name, parts_.back().elements});
  }
  shard_ = make(std::move(parts));
}

void Sharded::Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) {
  for (const Part& part : parts_) {
    const Tensor& gradient = parameters()[part.parameter].variable.grad();
    part.elements.set_grad(gradient.defined() ? gradient.Reshape({-1}).Rows(part.begin, part.end) : Tensor());
  }
  shard_->Update(rates, squared_norm, max_norm);
  shard_->ZeroGrad();
  ranks_.AllGather(all_, mine_).Wait();
}

std::map<std::string, std::vector<Tensor>> Sharded::StateByKind() const {
  std::map<std::string, std::vector<Tensor>> kinds;
  const TensorMap state = shard_->State();
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::string name = "/" + parameters()[parts_[i].parameter].name;
    for (const auto& [key, tensor] : state) {
      if (!key.ends_with(name) || key.find('/') != key.size() - name.size()) continue;
      std::vector<Tensor>& of_kind = kinds[key.substr(0, key.size() - name.size())];
      of_kind.resize(parts_.size());
      of_kind[i] = tensor;
    }
  }
  return kinds;
}

void Sharded::LoadState(const TensorMap& state) {
  // Whether the names and shapes fit is said of the whole state, so that all ranks say the same.
  TensorMap whole, of_parts;
  const auto kinds = StateByKind();
  for (const auto& [kind, tensors] : kinds)
    for (const NamedVariable& parameter : parameters())
      whole.emplace(kind + "/" + parameter.name, tensors[0].rank() == 0
                                                     ? Tensor::EmptyLike(tensors[0])
                                                     : Tensor::Empty(parameter.variable.shape(), tensors[0].dtype()));
  CopyTensors("the optimiser's state", state, whole);
  for (const auto& [kind, tensors] : kinds) {
    for (size_t i = 0; i < parts_.size(); ++i) {
      const std::string name = kind + "/" + parameters()[parts_[i].parameter].name;
      const Tensor& of_parameter = whole.at(name);
      of_parts.emplace(name, of_parameter.rank() == 0 && tensors[i].rank() == 0
                                 ? of_parameter
                                 : of_parameter.Reshape({-1}).Rows(parts_[i].begin, parts_[i].end));
    }
  }
  shard_->LoadState(of_parts);
}

TensorMap JoinShards(const std::vector<TensorMap>& shards, const TensorMap& parameters) {
  std::map<std::string, std::vector<Tensor>> parts;
  for (const TensorMap& shard : shards)
    for (const auto& [name, part] : shard) parts[name].push_back(part);
  TensorMap whole;
  for (const auto& [name, of_name] : parts) {
    if (of_name[0].rank() == 0) {  // a number of the whole parameter, which all have that have a part of it
      whole.emplace(name, of_name[0]);
      continue;
    }
    const auto parameter = parameters.find(name.substr(name.find('/') + 1));
    Check(parameter != parameters.end(), "the optimiser's state has ", name, ", but there is no such parameter");
    int64_t size = 0;
    for (const Tensor& part : of_name) size += part.size();
    Check(size == parameter->second.size(), "the parts of the optimiser's state ", name, " have ", size,
          " elements, the parameter has ", parameter->second.size());
    const Tensor joined = Tensor::Empty({size}, of_name[0].dtype());
    int64_t place = 0;
    for (const Tensor& part : of_name) {
      joined.Rows(place, place + part.size()).CopyFrom(part);
      place += part.size();
    }
    whole.emplace(name, joined.Reshape(parameter->second.shape()));
  }
  return whole;
}

}  // namespace orbit::optim
