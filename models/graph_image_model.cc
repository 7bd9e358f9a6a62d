#include "models/graph_image_model.h"

#include <utility>

#include "groups/symmetrizer.h"

namespace orbit {
namespace {

GraphImageOptions ImageOf(const GraphImageModelOptions& options) {
  GraphImageOptions image = options.image;
  image.width = options.transformer.width;
  image.grid = options.transformer.grid;
  return image;
}

}  // namespace

GraphVisionTransformer::GraphVisionTransformer(const GraphImageModelOptions& options, Generator& generator)
    : input_(ImageOf(options), generator),
      transformer_(options.transformer, generator),
      output_(ImageOf(options), generator) {
  Check(options.image.output_order == 0 || options.transformer.patch_dropout == 0,
        "patch dropout leaves no outputs for the nodes of the patches that are left out: it needs outputs for graphs");
  AddModule("input_proj", input_);
  AddModule("backbone.backbone", transformer_);
  AddModule("output_proj", output_);
}

Variable GraphVisionTransformer::Forward(const View& view, Generator& generator) const {
  return output_(transformer_(input_(view), generator));
}

std::unique_ptr<Model> MakeGraphImageModel(const GraphImageModelOptions& options, Generator& generator) {
  auto base = std::make_unique<GraphVisionTransformer>(options, generator);
  return std::make_unique<Symmetrizer>(
      std::move(base), MakeGraphDistribution(options, options.image.node_channels, generator),
      Representation::Scalars(options.image.output_order),
      SymmetrizerOptions{
          .diagonal = options.diagonal, .base_name = "", .network_name = "distribution.prob_interface_net"});
}

TensorMap TransformerState(const Model& model) {
  TensorMap state;
  for (const auto& [name, tensor] : model.StateDict())
    if (name.starts_with(kTransformerPrefix)) state[name.substr(std::string(kTransformerPrefix).size())] = tensor;
  return state;
}

}  // namespace orbit
