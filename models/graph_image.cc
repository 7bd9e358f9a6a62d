#include "models/graph_image.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/nn/init.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/shape.h"
#include "groups/ops/patch_tokens.h"

namespace orbit {
namespace {

// The padding of an axis of n nodes to `size`: before and after them.
std::pair<int64_t, int64_t> PaddingOf(const GraphImageOptions& options, int64_t size) {
  const int64_t more = size - options.n, before = options.centered ? more / 2 : 0;
  return {before, more - before};
}

// The inverse: the nodes of an axis of `size`.
Variable CropNodes(const GraphImageOptions& options, const Variable& x, int64_t axis) {
  const int64_t before = options.centered ? (x.dim(axis) - options.n) / 2 : 0;
  return Slice(x, axis, before, before + options.n);
}

Shape OutputShape(const GraphImageOptions& options) {
  switch (options.output_order) {
    case 0:
      return {options.outputs, options.width};
    case 1:
      return {options.width, options.outputs, options.nodes_per_token()};
    case 2:
      return {options.width, options.outputs, options.patch(), options.patch()};
    default:
      Fail("outputs of order ", options.output_order, "; known: 0, 1, 2");
  }
}

}  // namespace

void CheckPadding(const GraphImageOptions& options) {
  const int64_t grid = options.grid;
  for (const int64_t size :
       {options.node_channels > 0 && !options.nodes_on_diagonal ? grid * grid * options.nodes_per_token() : options.n,
        grid * options.patch()}) {
    const auto [before, after] = PaddingOf(options, size);
    PadSources(options.n, before, after, options.padding);
  }
}

GraphImageInput::Part::Part(const Shape& weight_shape, Generator& generator)
    : weight(AddParameter("proj.weight", nn::FanInUniform(weight_shape, nn::FanIn(weight_shape), generator))),
      bias(AddParameter("proj.bias", nn::FanInUniform({weight_shape[0]}, nn::FanIn(weight_shape), generator))) {}

GraphImageInput::GraphImageInput(const GraphImageOptions& options, Generator& generator) : options_(options) {
  Check(options.n >= 1 && options.grid >= 1 && options.width >= 1, "an image of ", options.n, " nodes on ",
        options.grid, " x ", options.grid, " patches of width ", options.width);
  CheckPadding(options);
  int64_t parts = 0;
  const auto add = [&](std::unique_ptr<Part>& part, const Shape& shape) {
    part = std::make_unique<Part>(shape, generator);
    AddModule("proj." + std::to_string(parts++), *part);
  };
  if (options.graph_channels > 0) add(graphs_, {options.width, options.graph_channels});
  if (options.node_channels > 0) add(nodes_, {options.width, options.node_channels, options.nodes_per_token()});
  const int64_t channels = options.edge_channels + (options.nodes_on_diagonal ? options.node_channels : 0);
  if (channels > 0) add(pairs_, {options.width, channels, options.patch(), options.patch()});
  Check(parts > 0, "an image needs features of graphs, nodes or edges");
}

Variable GraphImageInput::operator()(const View& view) const {
  Variable tokens;
  const auto add = [&](const Variable& part) { tokens = tokens.defined() ? Add(tokens, part) : part; };
  if (pairs_) add(OfPairs(view));
  if (nodes_) add(OfNodes(view));
  if (graphs_) add(OfGraphs(view));
  return BroadcastTo(tokens, {view.rows(), options_.grid * options_.grid, options_.width});
}

Variable GraphImageInput::OfGraphs(const View& view) const {
  const std::vector<Feature>& features = view.x().features;
  for (size_t i = 0; i < features.size(); ++i)
    if (features[i].representation.order == 0 && !features[i].representation.vector)
      return Reshape(Linear(view.Feature(i), graphs_->weight, graphs_->bias), {view.rows(), 1, options_.width});
  Fail("the input has no features of graphs");
}

Variable GraphImageInput::OfNodes(const View& view) const {
  if (options_.nodes_on_diagonal) return Reshape(nodes_->bias, {1, 1, options_.width});
  const int64_t tokens = options_.grid * options_.grid, nodes = options_.nodes_per_token();
  const auto [before, after] = PaddingOf(options_, tokens * nodes);
  const Variable x = Pad(view.Feature(0), 1, before, after, options_.padding);
  const Variable patches = Permute(Reshape(x, {view.rows(), tokens, nodes, -1}), {0, 1, 3, 2});
  return Linear(Reshape(patches, {view.rows(), tokens, -1}), Reshape(nodes_->weight, {options_.width, -1}),
                nodes_->bias);
}

Variable GraphImageInput::OfPairs(const View& view) const {
  const Features& x = view.x();
  const Tensor& nodes = x.features.at(0).value.value();
  const GraphImage image{.edges = x.edges,
                         .edge_features = x.edge_features.defined() ? x.edge_features.To(nodes.dtype()) : Tensor(),
                         .node_features = options_.nodes_on_diagonal ? nodes : Tensor(),
                         .num_nodes = x.num_nodes};
  return FoldSamples(PatchTokens(view.permutation(), image, pairs_->weight, pairs_->bias,
                                 {.n = options_.n,
                                  .patch = options_.patch(),
                                  .grid = options_.grid,
                                  .padding = options_.padding,
                                  .centered = options_.centered}));
}

GraphImageOutput::GraphImageOutput(const GraphImageOptions& options, Generator& generator)
    : options_(options),
      weight_(AddParameter(options.output_order == 0 ? "proj.0.weight" : "proj.0.proj.weight",
                           nn::FanInUniform(OutputShape(options), nn::FanIn(OutputShape(options)), generator))),
      bias_(AddParameter(options.output_order == 0 ? "proj.0.bias" : "proj.0.proj.bias",
                         nn::FanInUniform({options.outputs}, nn::FanIn(OutputShape(options)), generator))) {
  Check(options.outputs >= 1, "an output of ", options.outputs, " channels");
}

Variable GraphImageOutput::operator()(const Variable& tokens) const {
  const int64_t rows = tokens.dim(0), grid = options_.grid, width = options_.width, outputs = options_.outputs;
  if (options_.output_order == 0) return Linear(Reshape(Slice(tokens, 1, 0, 1), {rows, width}), weight_, bias_);
  Check(tokens.dim(1) == 1 + grid * grid, "outputs of nodes need all ", grid * grid, " tokens, got ",
        tokens.value().Describe());
  const Variable patches = MatMul(Slice(tokens, 1, 1, 1 + grid * grid), Reshape(weight_, {width, -1}));
  if (options_.output_order == 1) {
    const int64_t nodes = options_.nodes_per_token();
    const Variable y = Permute(Reshape(patches, {rows, grid * grid, outputs, nodes}), {0, 1, 3, 2});
    return Add(CropNodes(options_, Reshape(y, {rows, grid * grid * nodes, outputs}), 1), bias_);
  }
  const int64_t patch = options_.patch();
  const Variable y = Permute(Reshape(patches, {rows, grid, grid, outputs, patch, patch}), {0, 1, 4, 2, 5, 3});
  const Variable image = Reshape(y, {rows, grid * patch, grid * patch, outputs});
  return Add(CropNodes(options_, CropNodes(options_, image, 1), 2), bias_);
}

}  // namespace orbit
