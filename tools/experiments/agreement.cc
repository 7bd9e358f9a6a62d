#include "tools/experiments/agreement.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "engine/distributed/share.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

constexpr int64_t kComparedExamples = 4;  // of a split
constexpr double kTolerance = 1e-5;       // relative, of their checksum

// A sum that depends on the order of values.
double Checksum(const Tensor& x) {
  if (!x.defined()) return 0;
  double sum = 0;
  int64_t place = 0;
  for (const double value : x.To(Device{}).To(DType::kF64).ToVector<double>())
    if (std::isfinite(value)) sum += static_cast<double>(1 + place++ % 97) * std::abs(value + 0.5);
  return sum;
}

double ChecksumOfFirst(const Experiment& experiment, Split split) {
  const int64_t count = std::min(experiment.size(split), kComparedExamples);
  if (count == 0) return 0;
  std::vector<int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  const Batch batch = experiment.Load(split, Tensor::From(numbers, {count}));
  double sum = Checksum(batch.target) + Checksum(batch.x.num_nodes) + Checksum(batch.x.edge_features);
  for (const Feature& feature : batch.x.features) sum += Checksum(feature.value.value());
  return sum;
}

}  // namespace

void CheckSettingsAgree(const Config& config, Communicator& ranks, Device device) {
  if (ranks.world() == 1) return;
  const Config of_first =
      ResolveSettings({.file = "the settings of rank 0", .yaml = ShareText(config.ToYaml(), 0, ranks, device)});
  Check(of_first.String("task") == config.String("task"), ranks.Describe(), " has the task ", config.String("task"),
        ", rank 0 has ", of_first.String("task"));
  for (const std::string& key : config.DifferingKeys(of_first))
    Check(key == "run.directory" || key == "data.path", ranks.Describe(), " has another ", key, " than rank 0");
}

void CheckDataAgree(const Experiment& experiment, Communicator& ranks) {
  if (ranks.world() == 1) return;
  const std::string here = experiment.Describe(), of_first = ShareText(here, 0, ranks, experiment.device());
  Check(here == of_first, ranks.Describe(), " has other data than rank 0: ", here, "; rank 0 has ", of_first);
  std::vector<double> numbers;
  AwaitAll(ranks, experiment.device(), [&] {
    for (const Split split : {Split::kTrain, Split::kValid, Split::kTest}) {
      numbers.push_back(static_cast<double>(experiment.size(split)));
      numbers.push_back(ChecksumOfFirst(experiment, split));
    }
  });
  const Tensor shared = Tensor::From(numbers, {std::ssize(numbers)}).To(experiment.device());
  ranks.Broadcast(shared, 0).Wait();
  const std::vector<double> expected = shared.ToVector<double>();
  for (size_t i = 0; i < numbers.size(); ++i)
    Check(std::abs(numbers[i] - expected[i]) <= kTolerance * std::abs(expected[i]), ranks.Describe(),
          " has other data than rank 0: the ", i % 2 == 0 ? "size" : "checksum of the first examples", " of the split ",
          NameOf(i < 2   ? Split::kTrain
                 : i < 4 ? Split::kValid
                         : Split::kTest),
          " is ", numbers[i], ", rank 0 has ", expected[i]);
}

void ShareState(Model& model, Communicator& ranks) {
  if (ranks.world() == 1) return;
  for (const auto& [name, tensor] : model.StateDict()) ranks.Broadcast(tensor, 0).Wait();
}

}  // namespace orbit
