// Graphs as images: permuted by g^-1, a graph is an image whose pixels are pairs of nodes by rank, which patches divide
// (Kim et al. 2023, sections 3.3 and 3.4). These are the first and the last layer of networks on the patches.
#ifndef ORBIT_MODELS_GRAPH_IMAGE_H_
#define ORBIT_MODELS_GRAPH_IMAGE_H_

#include <memory>

#include "engine/nn/module.h"
#include "engine/ops/pad.h"
#include "groups/base_function.h"

namespace orbit {

struct GraphImageOptions {
  int64_t n = 188;    // nodes, including padding
  int64_t grid = 14;  // patches on a side: a graph makes grid^2 tokens
  int64_t width = 768;

  // What a token is the sum of; with 0 channels a part is left out.
  int64_t graph_channels = 0;  // features of graphs (order 0): the same for all tokens
  int64_t node_channels = 3;   // features of nodes (order 1): every token has as many nodes, by rank
  int64_t edge_channels = 1;   // features of edges (order 2): every token has a patch of pairs of nodes, by rank
  // Whether features of nodes are further channels of pairs, on the diagonal; the order-1 part is then made of zeros,
  // so that only its bias is left, as in the published model for PATTERN.
  bool nodes_on_diagonal = false;

  PadMode padding = PadMode::kZero;  // where tokens reach beyond n
  bool centered = false;             // whether half of the padding is before the first node; else all is at the end

  int output_order = 2;  // outputs for graphs (0), nodes (1) or pairs of nodes (2)
  int64_t outputs = 2;   // channels

  // The nodes of a token, and of a side of a patch: the fewest that make enough tokens.
  int64_t nodes_per_token() const { return (n + grid * grid - 1) / (grid * grid); }
  int64_t patch() const { return (n + grid - 1) / grid; }
};

// Throws Error where tokens reach so far beyond n that this padding has nothing to put there (engine/ops/pad.h).
void CheckPadding(const GraphImageOptions& options);

// Parameters: proj.0, proj.1 ... are the parts in their order. proj.I.proj has the weight and bias of a Linear, a
// Conv1d and a Conv2d in PyTorch's layout: [width, channels], [width, channels, nodes per token], [width, channels,
// patch, patch]. Padding concerns values, not the graph: what is reflected is the image.
class GraphImageInput : public nn::Module {
 public:
  GraphImageInput(const GraphImageOptions& options, Generator& generator);

  // Feature 0 of x is the nodes' [batch, n, node_channels]; features of graphs come after it, as the first feature of
  // order 0; features of edges are x.edge_features. Returns tokens [rows, grid^2, width].
  Variable operator()(const View& view) const;

 private:
  struct Part : nn::Module {
    Part(const Shape& weight_shape, Generator& generator);
    const Variable weight, bias;
  };

  Variable OfGraphs(const View& view) const;
  Variable OfNodes(const View& view) const;
  Variable OfPairs(const View& view) const;

  GraphImageOptions options_;
  std::unique_ptr<Part> graphs_, nodes_, pairs_;
};

// Parameters: proj.0, a Linear [outputs, width]; or proj.0.proj, a transposed convolution in PyTorch's layout, [width,
// outputs, nodes per token] or [width, outputs, patch, patch].
class GraphImageOutput : public nn::Module {
 public:
  GraphImageOutput(const GraphImageOptions& options, Generator& generator);

  // From the class token and tokens, [rows, 1 + grid^2, width]: [rows, outputs] of the class token; or [rows, n,
  // outputs], [rows, n, n, outputs] of the tokens, cropped as the input is padded.
  Variable operator()(const Variable& tokens) const;

 private:
  GraphImageOptions options_;
  Variable weight_, bias_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_IMAGE_H_
