// Cases of graphs as images: symmetrized vision transformers on PATTERN, Peptides and PCQM-Contact.
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/shape.h"
#include "models/graph_image_model.h"
#include "models/graph_model.h"
#include "tests/parity/parity_case.h"

namespace orbit::parity {
namespace {

// The sizes of the categories that nodes and edges have, as the Open Graph Benchmark's features of molecules; none
// where features are numbers.
struct Categories {
  std::vector<int64_t> nodes, edges;
};

Categories CategoriesOf(const std::string& task) {
  if (task == "node_classification_pattern") return {};
  if (task == "link_prediction_pcqm_contact") return {{35, 3, 7, 7, 2, 4, 6, 2, 2}, {4, 1, 1}};
  return {{17, 3, 7, 7, 5, 1, 6, 2, 2}, {4, 1, 2}};
}

// Rows of one-hot vectors, one after another, after `ones` ones.
std::vector<float> OneHot(const Tensor& categories, const std::vector<int64_t>& sizes, int64_t ones = 0) {
  const std::vector<int64_t> values = categories.ToVector<int64_t>();
  const int64_t width = std::accumulate(sizes.begin(), sizes.end(), ones), columns = categories.dim(1);
  std::vector<float> rows(categories.dim(0) * width, 0.0f);
  for (int64_t i = 0; i < categories.dim(0); ++i) {
    for (int64_t j = 0; j < ones; ++j) rows[i * width + j] = 1;
    int64_t first = i * width + ones;
    for (int64_t j = 0; j < columns; ++j) {
      rows[first + values[i * columns + j]] = 1;
      first += sizes[j];
    }
  }
  return rows;
}

// The rows of graphs that are concatenated, offsets [graphs + 1], padded to [graphs, n, channels].
Tensor PadGraphs(const Case& recorded, const std::vector<float>& rows, const std::vector<int64_t>& offsets, int64_t n) {
  const auto graphs = static_cast<int64_t>(offsets.size()) - 1;
  const int64_t channels = static_cast<int64_t>(rows.size()) / offsets.back();
  std::vector<float> padded(graphs * n * channels, 0.0f);
  for (int64_t g = 0; g < graphs; ++g)
    std::copy(rows.begin() + offsets[g] * channels, rows.begin() + offsets[g + 1] * channels,
              padded.begin() + g * n * channels);
  return Tensor::From(padded, {graphs, n, channels}).To(recorded.dtype).To(recorded.device);
}

Features ReadFeatures(const Case& recorded) {
  const int64_t n = recorded.spec.at("n");
  const Categories categories = CategoriesOf(recorded.spec.at("task"));
  const std::vector<int64_t> offsets = recorded.Get("in/node_ptr").ToVector<int64_t>(),
                             edge_offsets = recorded.Get("in/edge_ptr").ToVector<int64_t>(),
                             ends = recorded.Get("in/edge_index").ToVector<int64_t>();
  const size_t graphs = offsets.size() - 1, edges = ends.size() / 2;
  std::vector<std::vector<Edge>> lists(graphs);
  std::vector<int32_t> sizes, given;
  for (size_t g = 0; g < graphs; ++g) {
    sizes.push_back(static_cast<int32_t>(offsets[g + 1] - offsets[g]));
    for (int64_t e = edge_offsets[g]; e < edge_offsets[g + 1]; ++e)
      lists[g].push_back(
          {static_cast<int32_t>(ends[e] - offsets[g]), static_cast<int32_t>(ends[edges + e] - offsets[g])});
  }
  const EdgeLists edge_lists = MakeEdgeLists(n, lists, &given).To(recorded.device);
  const Tensor in = recorded.Get("in/x");
  const std::vector<float> nodes = IsFloating(in.dtype()) ? in.ToVector<float>() : OneHot(in, categories.nodes);
  Features x = MakeGraphFeatures(PadGraphs(recorded, nodes, offsets, n), edge_lists,
                                 Tensor::From(sizes, {static_cast<int64_t>(graphs)}).To(recorded.device));
  if (recorded.Has("in/edge_attr")) {
    const std::vector<float> of_edges = OneHot(recorded.Get("in/edge_attr"), categories.edges, /*ones=*/1);
    const auto count = static_cast<int64_t>(edges), channels = static_cast<int64_t>(of_edges.size()) / count;
    const std::vector<int64_t> order(given.begin(), given.end());
    x.edge_features =
        IndexSelect(Tensor::From(of_edges, {count, channels}).To(recorded.dtype), Tensor::From(order, {count}))
            .value()
            .To(recorded.device);
  }
  return x;
}

GraphImageModelOptions ReadOptions(const Case& recorded, const Features& x) {
  const auto& spec = recorded.spec;
  const std::string task = spec.at("task");
  GraphImageModelOptions options;
  options.transformer = {.width = spec.at("hidden"),
                         .layers = spec.at("depth"),
                         .heads = spec.at("heads"),
                         .hidden = 4 * spec.at("hidden").get<int64_t>(),
                         .grid = static_cast<int64_t>(std::lround(std::sqrt(spec.at("tokens").get<double>())))};
  GraphImageOptions& image = options.image;
  image.n = spec.at("n");
  image.node_channels = x.features[0].value.dim(-1);
  image.edge_channels = x.edge_features.defined() ? x.edge_features.dim(1) : 1;
  image.nodes_on_diagonal = options.diagonal = task == "node_classification_pattern";
  image.centered = spec.at("centering");
  image.padding = ParsePadMode(spec.at("pad_mode"));
  image.output_order = recorded.Has("param/output_proj.proj.0.proj.weight") ? 2 : 0;
  image.outputs =
      recorded.Get(image.output_order == 0 ? "param/output_proj.proj.0.bias" : "param/output_proj.proj.0.proj.bias")
          .size();
  options.distribution = spec.at("noise_scale") == 0.0 ? "canonical" : "learned";
  options.network = {.hidden = spec.at("interface_hidden"), .layers = spec.at("interface_layers")};
  options.noise_scale = spec.at("noise_scale");
  options.soft_sort = {.tau = spec.at("tau"), .hard = spec.at("hard")};
  return options;
}

// The rows of nodes [graphs, n, channels] that are no padding, one graph after another.
Variable NodesOf(const Case& recorded, const Variable& nodes) {
  const std::vector<int64_t> offsets = recorded.Get("in/node_ptr").ToVector<int64_t>();
  std::vector<int64_t> rows;
  for (size_t g = 0; g + 1 < offsets.size(); ++g)
    for (int64_t i = 0; i < offsets[g + 1] - offsets[g]; ++i)
      rows.push_back(static_cast<int64_t>(g) * nodes.dim(1) + i);
  return IndexSelect(Reshape(nodes, {-1, nodes.dim(2)}), Tensor::From(rows, {offsets.back()}).To(recorded.device));
}

// The weight of a class is the share of the others among the targets.
Tensor RarityWeights(const Tensor& target, int64_t classes) {
  const std::vector<int64_t> values = target.ToVector<int64_t>();
  std::vector<double> weights(classes, 0.0);
  for (const int64_t value : values) weights[value] += 1;
  for (double& weight : weights)
    if (weight > 0) weight = 1 - weight / static_cast<double>(values.size());
  return Tensor::From(weights, {classes});
}

// The outputs [graphs, n, n] of labelled pairs of nodes.
Variable LabelledPairs(const Case& recorded, const Variable& output) {
  const std::vector<int64_t> offsets = recorded.Get("in/node_ptr").ToVector<int64_t>(),
                             pair_offsets = recorded.Get("in/edge_label_ptr").ToVector<int64_t>(),
                             ends = recorded.Get("in/edge_label_index").ToVector<int64_t>();
  const int64_t n = output.dim(1), pairs = pair_offsets.back();
  std::vector<int64_t> rows;
  for (size_t g = 0; g + 1 < pair_offsets.size(); ++g)
    for (int64_t e = pair_offsets[g]; e < pair_offsets[g + 1]; ++e)
      rows.push_back((static_cast<int64_t>(g) * n + ends[e] - offsets[g]) * n + ends[pairs + e] - offsets[g]);
  return IndexSelect(Reshape(output, {-1}), Tensor::From(rows, {pairs}).To(recorded.device));
}

// The rank of every node; 0 for padding, where what is recorded means nothing.
Tensor RanksOfNodes(const Tensor& ranks, const Tensor& num_nodes) {
  const int64_t batch = ranks.dim(0), n = ranks.dim(2);
  const Tensor mask = NodeMask(num_nodes, n, DType::kF64).Reshape({batch, 1, n});
  return Mul(ranks.To(DType::kF64), mask).value();
}

}  // namespace

Report RunGraphImage(const Case& recorded) {
  Report report;
  Generator generator(0);
  const Features x = ReadFeatures(recorded);
  const GraphImageModelOptions options = ReadOptions(recorded, x);
  const std::string task = recorded.spec.at("task");
  const int64_t samples = recorded.spec.at("samples"), n = options.image.n, batch = x.batch();
  const Tensor eps = recorded.Get("noise/eps").Reshape({batch, samples, n + 1, -1});
  const Noise noise{.samples = samples, .network = Slice(eps, 2, 1, n + 1).value(), .scores = {}, .frame = {}};

  const std::unique_ptr<Model> model = MakeGraphImageModel(options, generator);
  recorded.Load(*model, recorded.spec.at("train"));
  const auto [result, per_sample, element, entropies] = model->Forward(x, noise, generator);
  Variable output = result, main;
  if (task == "node_classification_pattern") {
    const Tensor label = recorded.Get("in/label");
    output = NodesOf(recorded, output);
    main = CrossEntropyLoss(output, label, Reduction::kMean,
                            RarityWeights(label, 2).To(recorded.dtype).To(recorded.device));
  } else if (task == "link_prediction_pcqm_contact") {
    const Tensor mask = NodeMask(x.num_nodes, n, recorded.dtype);
    const Variable pairs = Mul(mask.Reshape({batch, n, 1}), mask.Reshape({batch, 1, n}));
    output = Mul(Reshape(output, {batch, n, n}), pairs);
    main = BceWithLogitsLoss(LabelledPairs(recorded, output), recorded.Get("in/edge_label").To(recorded.dtype));
  } else if (task == "graph_classification_peptides_func") {
    main = BceWithLogitsLoss(output, recorded.Get("in/label"));
  } else {
    main = L1Loss(output, recorded.Get("in/label"));
  }
  Variable loss = main, entropy;
  if (entropies.defined()) {
    entropy = Scale(entropies, 1 / static_cast<double>(batch));
    loss = Add(main, Scale(entropy, recorded.spec.at("entropy_weight")));
  }
  {
    const NoGrad no_grad;
    GraphImageOptions image = options.image;
    image.width = options.transformer.width;
    image.grid = options.transformer.grid;
    GraphImageInput input(image, generator);
    recorded.Load(input, /*train=*/false, "input_proj.");
    report.CompareOutput(recorded, "tokens", input(View(x, element, samples)).value());
  }
  report.CompareOutput(recorded, "output", output.value());
  report.CompareOutput(recorded, "main", main.value());
  report.CompareOutput(recorded, "loss", loss.value());
  report.CompareOutput(recorded, "entropy_loss", entropy.value());
  const Tensor ranks = recorded.Get("out/permutation_index").Reshape({batch, samples, n});
  report.outputs.push_back({"permutation_index", RelativeError(RanksOfNodes(Ranks(*element.permutation), x.num_nodes),
                                                               RanksOfNodes(ranks, x.num_nodes))});
  if (!recorded.Group("grad/").empty()) loss.Backward();
  report.CompareState(recorded, *model);
  return report;
}

}  // namespace orbit::parity
