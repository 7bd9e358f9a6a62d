#include "tools/experiments/agreement.h"

#include <optional>
#include <string>

#include "engine/distributed/share.h"
#include "tools/experiments/settings.h"

namespace orbit {

void CheckSettingsAgree(const Config& config, Communicator& ranks, Device device) {
  if (ranks.world() == 1) return;
  const Config of_first =
      ResolveSettings({.file = "the settings of rank 0", .yaml = ShareText(config.ToYaml(), 0, ranks, device)});
  Check(of_first.String("task") == config.String("task"), ranks.Describe(), " has the task ", config.String("task"),
        ", rank 0 has ", of_first.String("task"));
  for (const std::string& key : config.DifferingKeys(of_first))
    Check(IsPlace(key), ranks.Describe(), " has another ", key, " than rank 0");
}

DataDigest CheckDataAgree(const Experiment& experiment, Communicator& ranks) {
  if (ranks.world() == 1) return DataDigest(experiment);
  const std::string here = experiment.Describe(), of_first = ShareText(here, 0, ranks, experiment.device());
  Check(here == of_first, ranks.Describe(), " has other data than rank 0: ", here, "; rank 0 has ", of_first);
  std::optional<DataDigest> digest;
  AwaitAll(ranks, experiment.device(), [&] { digest.emplace(experiment); });
  const Tensor shared = Tensor::From(digest->numbers(), {std::ssize(digest->numbers())}).To(experiment.device());
  ranks.Broadcast(shared, 0).Wait();
  const std::string difference = digest->DifferenceFrom(DataDigest::FromNumbers(shared.ToVector<double>()));
  Check(difference.empty(), ranks.Describe(), " has other data than rank 0: ", difference);
  return *digest;
}

void ShareState(Model& model, Communicator& ranks) {
  if (ranks.world() == 1) return;
  for (const auto& [name, tensor] : model.StateDict()) ranks.Broadcast(tensor, 0).Wait();
}

}  // namespace orbit
