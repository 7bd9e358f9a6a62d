#include "tools/experiments/graphs.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/graph/labelled_graphs.h"
#include "tools/common/path.h"
#include "tools/experiments/graph_experiment.h"

namespace orbit {
namespace {

void AddKeys(ConfigSchema& schema) {
  AddGraphModelKeys(schema);
  schema.String("data.path", "", "the folder of graph files and labels.csv, or of a TUDataset's NAME_A.txt ...");
  schema.String("data.target", "classes", "what is predicted of a graph", {"classes", "values"});
  schema.Double("data.valid", 0.1, "share of the graphs to validate on, where there is no splits.csv",
                {.min = 0, .max = 1});
  schema.Double("data.test", 0.1, "share of the graphs to test on, where there is no splits.csv", {.min = 0, .max = 1});
  schema.Int("data.seed", 0, "of the splits", {.min = 0});
  schema.Int("data.nodes", 0, "the most that a graph may have; 0: as found", {.min = 0});
  schema.Int("data.outputs", 0, "values of a graph, or classes; 0: as found", {.min = 0});
  schema.Int("data.attributes", -1, "numbers of a node; -1: as found", {.min = -1});
  schema.IntList("data.classes", {}, "in the order of the predictions; []: as found");
  schema.IntList("data.kinds", {}, "of nodes; []: as found, where data.attributes is");
}

std::string ToYaml(const std::vector<int64_t>& values) {
  std::string text;
  for (const int64_t value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}

// The places of the labels among the classes.
std::vector<float> PlacesOf(const std::vector<double>& labels, const std::vector<int64_t>& classes,
                            const std::string& folder) {
  std::vector<float> places;
  for (size_t g = 0; g < labels.size(); ++g) {
    const auto found = std::find(classes.begin(), classes.end(), static_cast<int64_t>(labels[g]));
    Check(found != classes.end(), folder, ": graph ", g, " is of class ", labels[g], "; the model knows ",
          ToYaml(classes));
    places.push_back(static_cast<float>(found - classes.begin()));
  }
  return places;
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Config& config = inputs.config;
  const bool is_new = !inputs.new_data.empty();
  Check(is_new || !config.String("data.path").empty(), "data.path has to name the folder of the graphs");
  const std::string folder = UserPath(is_new ? inputs.new_data : config.String("data.path"));
  if (!is_new) config.SetString("data.path", folder);  // a run may be gone on with from elsewhere
  const bool of_classes = config.String("data.target") == "classes";
  const GraphTarget target = of_classes ? GraphTarget::kClass : GraphTarget::kValues;
  LabelledGraphs found = ReadLabelledGraphs(folder, target);
  Check(is_new || found.outputs > 0, folder, " has no ", config.String("data.target"),
        " of its graphs: they come in labels.csv, or a TUDataset's NAME_graph_labels.txt (classes) or "
        "NAME_graph_attributes.txt (values)");
  const std::string description = Describe(found, target);

  // What the model depends on is kept with the run; new data have to fit.
  if (config.Int("data.nodes") == 0) config.Set("data.nodes=" + std::to_string(LargestGraph(found.graphs)));
  Check(LargestGraph(found.graphs) <= config.Int("data.nodes"), folder, " has a graph of ", LargestGraph(found.graphs),
        " nodes, and the model has room for data.nodes = ", config.Int("data.nodes"));
  if (of_classes && config.IntList("data.classes").empty()) config.Set("data.classes=" + ToYaml(FindClasses(found)));
  if (config.Int("data.attributes") < 0) {
    config.Set("data.attributes=" + std::to_string(found.attributes));
    if (config.IntList("data.kinds").empty()) config.Set("data.kinds=" + ToYaml(FindKinds(found)));
  }
  if (config.Int("data.outputs") == 0)
    config.Set("data.outputs=" + std::to_string(of_classes ? static_cast<int64_t>(config.IntList("data.classes").size())
                                                           : found.outputs));
  const std::vector<int64_t>& classes = config.IntList("data.classes");
  const int64_t outputs = config.Int("data.outputs");
  Check(!of_classes || outputs == static_cast<int64_t>(classes.size()), "data.outputs is ", outputs, " for ",
        classes.size(), " classes");
  Check(!of_classes || outputs >= 2, "all graphs of ", folder, " are of one class");
  Check(found.attributes == config.Int("data.attributes"), "the nodes of ", folder, " have ", found.attributes,
        " numbers, where the model takes ", config.Int("data.attributes"));
  Check(of_classes || found.outputs == 0 || found.outputs == outputs, "the graphs of ", folder, " have ", found.outputs,
        " values, where the model predicts ", outputs);
  EncodeKinds(config.IntList("data.kinds"), found);

  GraphData data{.graphs = std::move(found.graphs),
                 .n = config.Int("data.nodes"),
                 .channels = std::max<int64_t>(1, found.attributes),
                 .targets = {},
                 .outputs = outputs,
                 .loss = of_classes ? GraphLoss::kClasses : GraphLoss::kValues,
                 .splits = {},
                 .description = description,
                 .predictions = of_classes ? "logits of the classes " + ToYaml(classes) : "values"};
  if (found.outputs > 0 && of_classes) data.targets = PlacesOf(found.targets, classes, folder);
  if (found.outputs > 0 && !of_classes) data.targets.assign(found.targets.begin(), found.targets.end());
  const auto count = static_cast<int64_t>(data.graphs.size());
  if (is_new) {
    std::vector<int64_t>& all = data.splits[static_cast<size_t>(Split::kTest)];
    all.resize(count);
    std::iota(all.begin(), all.end(), 0);
  } else if (found.splits) {
    data.splits = *found.splits;
  } else {
    data.splits = DrawSplits(count, config.Double("data.valid"), config.Double("data.test"), config.Int("data.seed"));
  }
  for (const Split split : {Split::kTrain, Split::kTest})
    Check(is_new || !data.splits[static_cast<size_t>(split)].empty(), folder, ": of ", count,
          " graphs none are in the split ", NameOf(split));
  return MakeGraphExperiment(config, inputs.device, std::move(data), inputs.generator);
}

}  // namespace

ExperimentKind GraphsKind() {
  return {.name = "graphs",
          .help = "graphs of your own: what is the class, or value, of each?",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
