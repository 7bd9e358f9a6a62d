#include "models/graph_base.h"

#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/permuted_linear.h"

namespace orbit {
namespace {

// An MLP on the flattened permuted node features and adjacency.
class GraphMlp : public GraphBase {
 public:
  GraphMlp(const GraphBaseOptions& options, Generator& generator)
      : options_(options),
        layers_(MakeLayers(options, generator)),
        head_(options.head, options.widths.back(), generator) {
    for (size_t l = 0; l < layers_.size(); ++l) AddModule("conv" + std::to_string(l + 1), *layers_[l]);
    AddModule("fc1", head_.embedding);
    if (head_.output) AddModule("fc2", *head_.output);
  }

  Variable operator()(const Features& x, const Permutation& permutation) const override {
    const Tensor nodes = options_.node_features ? x.features.at(0).value.value() : Tensor();
    Variable h = PermutedLinear(permutation, nodes, x.edges, layers_[0]->weight, layers_[0]->bias, x.num_nodes);
    for (size_t l = 1; l < layers_.size(); ++l) h = (*layers_[l])(Activate(options_.head.activation, h));
    return head_(Activate(options_.head.activation, h));
  }

 private:
  using Layers = std::vector<std::unique_ptr<nn::Linear>>;
  static Layers MakeLayers(const GraphBaseOptions& options, Generator& generator) {
    Check(!options.widths.empty(), "the MLP needs at least one layer");
    Layers layers;
    int64_t in = options.n * options.n + (options.node_features ? options.n * options.channels : 0);
    for (const int64_t width : options.widths) {
      Check(width >= 1, "an MLP's layer of width ", width);
      layers.push_back(std::make_unique<nn::Linear>(in, width, generator));
      in = width;
    }
    return layers;
  }

  GraphBaseOptions options_;
  Layers layers_;
  GraphHead head_;
};

// GIN whose nodes carry their rank as a one-hot identifier beside their features; the sum over nodes is embedded.
class GinId : public GraphBase {
 public:
  GinId(const GraphBaseOptions& options, Generator& generator)
      : activation_(options.head.activation), head_(options.head, options.hidden, generator) {
    for (int64_t l = 0; l < 3; ++l)
      convolutions_.push_back(std::make_unique<Convolution>(l == 0 ? options.channels + options.n : options.hidden,
                                                            options.hidden, generator));
    for (size_t l = 0; l < convolutions_.size(); ++l) AddModule("conv" + std::to_string(l + 1), *convolutions_[l]);
    AddModule("fc1", head_.embedding);
    if (head_.output) AddModule("fc2", *head_.output);
  }

  Variable operator()(const Features& x, const Permutation& permutation) const override {
    const Variable& nodes = x.features.at(0).value;
    const int64_t batch = nodes.dim(0), n = nodes.dim(1), channels = nodes.dim(2);
    const Variable identifiers = ToMatrix(permutation, x.num_nodes, nodes.dtype());
    const Tensor mask = NodeMask(x.num_nodes, n, nodes.dtype()).Reshape({batch, 1, n, 1});
    Variable h =
        Concat({BroadcastTo(Reshape(nodes, {batch, 1, n, channels}), {batch, permutation.samples(), n, channels}),
                identifiers},
               -1);
    for (const auto& convolution : convolutions_)
      h = Activate(activation_, convolution->linear(MessageSum(h, convolution->eps, x.edges)));
    return head_(Sum(Mul(h, mask), {2}));
  }

 private:
  struct Convolution : nn::Module {
    Convolution(int64_t in, int64_t out, Generator& generator)
        : eps(AddParameter("eps", Tensor::Zeros({1}))), linear(in, out, generator) {
      AddModule("nn.0", linear);
    }
    const Variable eps;
    nn::Linear linear;
  };

  Activation activation_;
  std::vector<std::unique_ptr<Convolution>> convolutions_;
  GraphHead head_;
};

}  // namespace

std::unique_ptr<GraphBase> MakeGraphBase(const std::string& name, const GraphBaseOptions& options,
                                         Generator& generator) {
  if (name == "mlp") return std::make_unique<GraphMlp>(options, generator);
  Check(name == "gin_id", "unknown base function '", name, "'; known: mlp, gin_id");
  return std::make_unique<GinId>(options, generator);
}

}  // namespace orbit
