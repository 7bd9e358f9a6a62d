// Cases of graph separation: symmetrized MLPs and GIN-ID on GRAPH8c and EXP-classify.
#include <memory>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "models/graph_model.h"
#include "tests/parity/parity_case.h"

namespace orbit::parity {
namespace {

GraphModelOptions ReadOptions(const Case& recorded) {
  const auto& spec = recorded.spec;
  const bool classify = spec.at("task") == "EXPclassify";
  GraphModelOptions options;
  options.base.n = spec.at("n");
  options.base.channels = spec.at("d");
  options.model = spec.at("backbone") == "gin" ? "gin_id" : "mlp";
  options.distribution = spec.at("noise_scale") == 0.0 ? "canonical" : "learned";
  options.noise_scale = spec.at("noise_scale");
  options.soft_sort.tau = spec.at("tau");
  options.soft_sort.hard = spec.at("hard");
  options.network.layers = spec.at("interface_layers");
  options.base.head.activation = classify ? Activation::kRelu : Activation::kTanh;
  options.base.head.outputs = classify ? 1 : 0;
  options.base.widths.clear();
  for (int layer = 1; recorded.Has("param/backbone.conv" + std::to_string(layer) + ".weight"); ++layer)
    options.base.widths.push_back(recorded.Get("param/backbone.conv" + std::to_string(layer) + ".weight").dim(0));
  if (options.model == "mlp")
    options.base.node_features = recorded.Get("param/backbone.conv1.weight").dim(1) > options.base.n * options.base.n;
  else
    options.base.widths = {1};
  return options;
}

EdgeLists ReadEdges(const Case& recorded, int64_t n) {
  const Tensor index = recorded.Get("in/edge_index");  // [batch, 2, most edges]
  const std::vector<int64_t> values = index.ToVector<int64_t>();
  const std::vector<int64_t> counts = recorded.Get("in/num_edges").ToVector<int64_t>();
  const int64_t most = index.dim(2);
  std::vector<std::vector<Edge>> graphs(index.dim(0));
  for (size_t g = 0; g < graphs.size(); ++g)
    for (int64_t e = 0; e < counts[g]; ++e)
      graphs[g].push_back(
          {static_cast<int32_t>(values[2 * g * most + e]), static_cast<int32_t>(values[(2 * g + 1) * most + e])});
  return MakeEdgeLists(n, graphs).To(recorded.device);
}

// The reference always computes the weight 1 + eps of GIN-ID's nodes in single precision.
void RoundSelfWeights(const nn::Module& model) {
  for (const auto& [name, variable] : model.NamedParameters()) {
    if (name.rfind("backbone.", 0) != 0 || !name.ends_with(".eps")) continue;
    const float weight = 1.0f + static_cast<float>(variable.value().Item());
    variable.value().CopyFrom(
        Tensor::From(std::vector<double>{weight - 1.0}, {1}).To(variable.dtype()).To(variable.device()));
  }
}

}  // namespace

Report RunGraph(const Case& recorded) {
  Report report;
  Generator generator(0);
  const GraphModelOptions options = ReadOptions(recorded);
  const int64_t samples = recorded.spec.at("samples"), n = options.base.n;
  const Tensor nodes = recorded.Get("in/x");
  const Features x = MakeGraphFeatures(nodes, ReadEdges(recorded, n), recorded.Get("in/num_nodes").To(DType::kI32));
  const Tensor eps = recorded.Get("noise/eps").Reshape({nodes.dim(0), samples, n + 1, nodes.dim(2)});
  const Noise noise{.samples = samples, .network = Slice(eps, 2, 1, n + 1).value(), .scores = {}, .frame = {}};

  const std::unique_ptr<Model> model = MakeGraphModel(options, generator);
  recorded.Load(*model, recorded.spec.at("train"));
  RoundSelfWeights(*model);
  const auto [output, per_sample, element, entropies] = model->Forward(x, noise, generator);
  const Variable entropy = Scale(entropies, 1 / static_cast<double>(nodes.dim(0)));
  Variable main;
  if (recorded.spec.at("main") == "bce")
    main = BceWithLogitsLoss(output, recorded.Get("in/label").To(recorded.dtype).Reshape({nodes.dim(0), 1}));
  else
    main = Mean(Square(output));
  const Variable loss = Add(main, Scale(entropy, recorded.spec.at("entropy_weight")));
  report.CompareOutput(recorded, "output", output.value());
  report.CompareOutput(recorded, "main", main.value());
  report.CompareOutput(recorded, "loss", loss.value());
  report.CompareOutput(recorded, "entropy_loss", entropy.value());
  report.CompareOutput(recorded, "permutation", ToMatrix(*element.permutation, x.num_nodes, recorded.dtype).value());
  report.CompareOutput(recorded, "permutation_soft", element.permutation->soft.value());
  if (!recorded.Group("grad/").empty()) loss.Backward();
  report.CompareState(recorded, *model);
  return report;
}

}  // namespace orbit::parity
