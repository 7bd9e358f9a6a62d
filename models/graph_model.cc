#include "models/graph_model.h"

#include <algorithm>
#include <utility>

#include "groups/symmetrizer.h"

namespace orbit {
Features MakeGraphFeatures(const Tensor& nodes, const EdgeLists& edges, const Tensor& num_nodes) {
  return {.features = {{nodes, Representation::Scalars(1)}}, .num_nodes = num_nodes, .edges = edges};
}

bool IsTailored(const std::string& model) {
  const auto& names = TailoredGraphNetworks();
  return std::find(names.begin(), names.end(), model) != names.end();
}

std::unique_ptr<Model> MakeGraphModel(const GraphModelOptions& options, Generator& generator) {
  if (IsTailored(options.model)) {
    Check(options.base.output_order == 0, "the output of ", options.model, " is invariant");
    return MakeTailoredGraphNetwork(options.model, {.channels = options.base.channels, .head = options.base.head},
                                    generator);
  }
  std::unique_ptr<BaseFunction> base = MakeGraphBase(options.model, options.base, generator);
  return std::make_unique<Symmetrizer>(std::move(base),
                                       MakeGraphDistribution(options, options.base.channels, generator),
                                       Representation::Scalars(options.base.output_order));
}

}  // namespace orbit
