// An optimiser divided among ranks has the bits of the undivided one, and its state fits any number of ranks.
#include "engine/optim/sharded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/optim/adam.h"
#include "engine/optim/sgd.h"
#include "engine/random.h"
#include "tests/engine/training/thread_ranks.h"

namespace orbit::optim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<NamedVariable> Parameters() {
  Generator generator(1);
  std::vector<NamedVariable> parameters;
  for (const auto& [name, shape] : std::initializer_list<std::pair<const char*, Shape>>{
           {"layer.weight", {3, 4}}, {"layer.bias", {5}}, {"unused", {2}}, {"none", {0, 3}}, {"scale", {}}})
    parameters.push_back({name, Variable(generator.Normal(shape, 0, 1, DType::kF64), true)});
  return parameters;
}

// Adam with a parameter that does not decay, or SGD with momentum.
std::unique_ptr<Optimizer> Make(bool adam, std::vector<NamedVariable> parameters) {
  if (!adam) return std::make_unique<Sgd>(std::move(parameters), SgdOptions{.momentum = 0.9, .weight_decay = 0.1});
  return std::make_unique<Adam>(
      std::move(parameters), AdamOptions{.weight_decay = 0.1, .decoupled = true, .decays = [](const NamedVariable& x) {
                                           return x.name != "layer.bias";
                                         }});
}

void Step(Optimizer& optimizer, int first, int last) {
  for (int step = first; step <= last; ++step) {
    Generator generator(step);
    for (const auto& [name, variable] : optimizer.parameters())
      variable.set_grad(name == "unused" ? Tensor() : generator.Normal(variable.shape(), 0, 1, DType::kF64));
    optimizer.Step(0.1, SquaredGradientNorm(optimizer.parameters()), 0.5);
  }
}

std::vector<double> Values(const std::vector<NamedVariable>& parameters) {
  std::vector<double> values;
  for (const NamedVariable& parameter : parameters)
    for (const double value : parameter.variable.value().ToVector<double>()) values.push_back(value);
  return values;
}

std::map<std::string, std::vector<double>> Values(const TensorMap& state) {
  std::map<std::string, std::vector<double>> values;
  for (const auto& [name, tensor] : state) values[name] = tensor.ToVector<double>();
  return values;
}

TensorMap Named(const std::vector<NamedVariable>& parameters) {
  TensorMap named;
  for (const auto& [name, variable] : parameters) named.emplace(name, variable.value());
  return named;
}

TEST(Sharded, HasTheBitsOfTheUndividedOptimiserAndGoesOnOnOtherRanks) {
  for (const bool adam : {true, false}) {
    const auto whole = Make(adam, Parameters());
    Step(*whole, 1, 3);
    const auto middle = Values(whole->State());
    const std::vector<double> middle_values = Values(whole->parameters());
    Step(*whole, 4, 6);
    for (const int world : {1, 2, 3, 20}) {
      SCOPED_TRACE(world);
      std::vector<TensorMap> shards(world);
      std::vector<double> saved_values;
      RunRanks(world, [&](Communicator& ranks) {
        Sharded sharded(Parameters(), ranks, [&](auto parts) { return Make(adam, std::move(parts)); });
        Step(sharded, 1, 3);
        shards[ranks.rank()] = sharded.State();
        EXPECT_EQ(Values(sharded.parameters()), middle_values);
        if (ranks.rank() == 0) saved_values = Values(sharded.parameters());
      });
      const TensorMap saved = JoinShards(shards, Named(Parameters()));
      EXPECT_EQ(Values(saved), middle);
      for (const auto& [name, tensor] : whole->State()) EXPECT_EQ(saved.at(name).shape(), tensor.shape()) << name;
      RunRanks(world == 2 ? 3 : 2, [&](Communicator& ranks) {
        auto parameters = Parameters();
        auto value = saved_values.begin();
        for (const NamedVariable& parameter : parameters) {
          const auto end = value + parameter.variable.size();
          parameter.variable.value().CopyFrom(
              Tensor::From(std::vector<double>(value, end), parameter.variable.shape()));
          value = end;
        }
        Sharded other(parameters, ranks, [&](auto parts) { return Make(adam, std::move(parts)); });
        other.LoadState(saved);
        Step(other, 4, 6);
        EXPECT_EQ(Values(other.parameters()), Values(whole->parameters()));
        EXPECT_EQ(Values(parameters), Values(whole->parameters())) << "the model has other parameters";
      });
    }
  }
}

TEST(Sharded, CopiesInBF16AreOfWhatAllRanksUpdated) {
  RunRanks(2, [&](Communicator& ranks) {
    std::vector<NamedVariable> parameters = Parameters();
    std::erase_if(parameters, [](const NamedVariable& parameter) { return parameter.variable.size() == 0; });
    for (const NamedVariable& parameter : parameters)
      parameter.variable.set_value(parameter.variable.value().To(DType::kF32));
    const auto expect_rounded = [&] {
      for (const auto& [name, variable] : parameters) {
        const Tensor copy = variable.ValueIn(DType::kBF16);
        EXPECT_EQ(copy.ToVector<float>(), variable.value().To(DType::kBF16).ToVector<float>()) << name;
        EXPECT_TRUE(copy.SharesStorageWith(variable.ValueIn(DType::kBF16))) << name;
      }
    };
    Sharded sharded(parameters, ranks, [&](auto parts) { return Make(true, std::move(parts)); });
    for (int step = 1; step < 4; ++step) {
      expect_rounded();
      for (const NamedVariable& parameter : parameters)
        parameter.variable.set_grad(Tensor::Full(parameter.variable.shape(), step));
      sharded.Step(0.1);
    }
    expect_rounded();
    for (const NamedVariable& parameter : parameters) {
      if (ranks.rank() == 0) parameter.variable.value().Zero();
      expect_rounded();
      ranks.Broadcast(parameter.variable.value(), 0).Wait();
      expect_rounded();
      EXPECT_EQ(parameter.variable.ValueIn(DType::kBF16).ToVector<float>()[0], 0);
    }
  });
}

TEST(Sharded, RefusesWhatDoesNotFit) {
  EXPECT_THAT(
      [] {
        RunRanks(21, [](Communicator& ranks) {
          Sharded(Parameters(), ranks, [](auto parts) { return Make(true, parts); });
        });
      },
      ThrowsMessage<Error>(HasSubstr("20 elements cannot be divided among 21 ranks")));
  const TensorMap other = Make(false, Parameters())->State();
  EXPECT_THAT(
      [&] {
        RunRanks(2, [&](Communicator& ranks) {
          Sharded(Parameters(), ranks, [](auto parts) { return Make(true, parts); }).LoadState(other);
        });
      },
      ThrowsMessage<Error>(HasSubstr("exp_avg")));
  const TensorMap part = {{"exp_avg/layer.bias", Tensor::Zeros({4})}};
  EXPECT_THAT([&] { JoinShards({part}, Named(Parameters())); },
              ThrowsMessage<Error>(HasSubstr("exp_avg/layer.bias have 4 elements, the parameter has 5")));
  EXPECT_THAT([&] { JoinShards({part}, {}); }, ThrowsMessage<Error>(HasSubstr("there is no such parameter")));
}

}  // namespace
}  // namespace orbit::optim
