// A vision transformer on graphs with the symmetry S_n: symmetrized, it becomes a network on graphs, nodes or pairs of
// nodes (Kim et al. 2023, sections 3.3 and 3.4).
#ifndef ORBIT_MODELS_GRAPH_IMAGE_MODEL_H_
#define ORBIT_MODELS_GRAPH_IMAGE_MODEL_H_

#include <memory>
#include <string>

#include "groups/model.h"
#include "models/graph_distribution.h"
#include "models/graph_image.h"
#include "models/vision_transformer.h"

namespace orbit {

struct GraphImageModelOptions : GraphDistributionOptions {
  GraphImageModelOptions() { network.dropout = 0.1; }

  VisionTransformerOptions transformer;
  GraphImageOptions image;  // its width and grid are the transformer's
  // Whether outputs for pairs of nodes are read where both nodes are the same, as outputs for nodes.
  bool diagonal = false;
};

// f: the transformer on the patches of a permuted graph. Its output is [rows, outputs], [rows, n, outputs] or [rows, n,
// n, outputs] by the image's output_order.
class GraphVisionTransformer : public BaseFunction {
 public:
  // Throws Error for patch dropout where outputs need all patches.
  GraphVisionTransformer(const GraphImageModelOptions& options, Generator& generator);

  Variable Forward(const View& view, Generator& generator) const override;

  VisionTransformer& transformer() { return transformer_; }

 private:
  GraphImageInput input_;
  VisionTransformer transformer_;
  GraphImageOutput output_;
};

// Takes the Features of MakeGraphFeatures (models/graph_model.h), with edge_features of the image's edge_channels, or
// undefined for one channel of ones. The output is [batch, outputs], [batch, n, outputs] or [batch, n, n, outputs].
// Parameters are named as in the published checkpoints: input_proj, backbone.backbone, output_proj, and
// distribution.prob_interface_net for q. Throws Error for invalid options.
std::unique_ptr<Model> MakeGraphImageModel(const GraphImageModelOptions& options, Generator& generator);

// The state of the model's transformer, under the transformer's own names, which are timm's: for pretrained weights
// (models/vision_transformer_weights.h). The names in the model begin with kTransformerPrefix.
inline constexpr char kTransformerPrefix[] = "backbone.backbone.";
TensorMap TransformerState(const Model& model);

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_IMAGE_MODEL_H_
