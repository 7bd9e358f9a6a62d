#include "tools/separation/separation_cell.h"

#include <algorithm>
#include <filesystem>

#include "data/graph/graph_sets.h"
#include "data/graph/own_graphs.h"
#include "tools/common/path.h"

namespace orbit {
namespace {

std::vector<Graph> FindGraphs(const SeparationCell& cell) {
  if (cell.dataset == "graph8c") return EnumerateGraph8c();
  if (cell.dataset == "exp") return ReadExp(UserPath(cell.data));
  return ReadGraphs(UserPath(cell.dataset));
}

// The models of Kim et al. 2023, section 3.1: an embedding of 10 numbers, tanh throughout. The MLP sees the nodes'
// features beside the adjacency where there is something to see: nodes that have labels, or are padding.
GraphModelOptions ModelFor(const SeparationCell& cell, const std::vector<Graph>& graphs, int64_t nodes) {
  const bool exp = cell.dataset == "exp";
  GraphModelOptions options;
  options.model = cell.model;
  options.distribution = cell.distribution;
  options.base.n = exp ? 64 : nodes;
  options.base.node_features = std::any_of(graphs.begin(), graphs.end(), [&](const Graph& graph) {
    return graph.n < options.base.n || !graph.labels.empty();
  });
  if (!exp) options.base.widths = {128, 64};
  options.base.head.outputs = 0;
  options.base.head.activation = Activation::kTanh;
  return options;
}

}  // namespace

std::string NameOf(const SeparationCell& cell) {
  std::string name = std::filesystem::path(cell.dataset).stem().string() + "-" + cell.model;
  if (!IsTailored(cell.model)) name += "-" + cell.distribution;
  if (cell.criterion == "published") name += "-published";
  return name;
}

Separation Separate(const SeparationCell& cell, SeparationOptions& options) {
  const std::vector<Graph> graphs = FindGraphs(cell);
  const int64_t nodes = LargestGraph(graphs);
  Check(graphs.size() >= 2 && nodes >= 1, cell.dataset, ": there is nothing to tell apart in ", graphs.size(),
        " graphs of at most ", nodes, " nodes");
  if (cell.distribution == "canonical" || IsTailored(cell.model)) options.samples = 1;
  options.in_pairs = cell.dataset == "exp";
  options.model = ModelFor(cell, graphs, nodes);
  return cell.criterion == "sound" ? SeparateSoundly(graphs, options) : SeparateAsPublished(graphs, options);
}

SeparationResult ResultOf(const SeparationCell& cell, const SeparationOptions& options, const Separation& separation) {
  return {.dataset = cell.dataset,
          .model = cell.model,
          .distribution = cell.distribution,
          .criterion = cell.criterion,
          .seeds = separation.samples > 1 && cell.criterion == "sound" ? separation.rounds : options.seeds,
          .samples = separation.samples,
          .left = separation.left,
          .total = separation.total,
          .isomorphic = separation.isomorphic,
          .controls = separation.controls,
          .controls_apart = separation.controls_apart};
}

}  // namespace orbit
