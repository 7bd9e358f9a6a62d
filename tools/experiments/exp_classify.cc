#include "tools/experiments/exp_classify.h"

#include <numeric>
#include <utility>

#include "data/graph/graph_sets.h"
#include "tools/common/path.h"
#include "tools/experiments/graph_experiment.h"

namespace orbit {
namespace {

constexpr int64_t kGraphs = 1200, kNodes = 64;

std::vector<int64_t> Range(int64_t begin, int64_t end) {
  std::vector<int64_t> numbers(end - begin);
  std::iota(numbers.begin(), numbers.end(), begin);
  return numbers;
}

void AddKeys(ConfigSchema& schema) {
  AddGraphModelKeys(schema);
  schema.String("data.path", "GRAPHSAT.pkl", "the published file of EXP's 1,200 graphs");
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Check(inputs.new_data.empty(), "the task exp_classify has its graphs; those of a folder are for the task graphs");
  const std::string path = UserPath(inputs.config.String("data.path"));
  inputs.config.SetString("data.path", path);  // a run may be gone on with from elsewhere
  GraphData data{.graphs = ReadExp(path),
                 .n = kNodes,
                 .channels = 1,
                 .targets = {},
                 .outputs = 1,
                 .loss = GraphLoss::kBinary,
                 .splits = {Range(400, kGraphs), Range(0, 200), Range(200, 400)},  // train, valid, test
                 .description = "the graphs of EXP",
                 .predictions = "logits of being satisfiable"};
  Check(data.graphs.size() == kGraphs, path, " has ", data.graphs.size(), " graphs; EXP has ", kGraphs);
  for (const Graph& graph : data.graphs) data.targets.push_back(static_cast<float>(graph.target));
  return MakeGraphExperiment(inputs.config, inputs.device, std::move(data), inputs.generator);
}

}  // namespace

ExperimentKind ExpClassifyKind() {
  return {.name = "exp_classify",
          .help = "1,200 graphs in pairs that message passing cannot tell apart",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
