#include "models/graph_model.h"

#include <utility>

#include "engine/ops/elementwise.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/permuted_linear.h"

namespace orbit {
namespace {

// What follows a base function's layers: the embedding, fc1, and a last layer on it, fc2.
class Head {
 public:
  Head(const GraphModelOptions& options, int64_t in, Generator& generator)
      : activation(options.activation),
        activate_embedding(options.activate_embedding),
        embedding(in, options.embedding, generator) {
    if (options.outputs > 0) output = std::make_unique<nn::Linear>(options.embedding, options.outputs, generator);
  }

  Variable operator()(const Variable& x) const {
    Variable y = embedding(x);
    if (activate_embedding) y = Activate(activation, y);
    return output ? (*output)(y) : y;
  }

  Activation activation;
  bool activate_embedding;
  nn::Linear embedding;
  std::unique_ptr<nn::Linear> output;
};

// An MLP on the flattened permuted node features and adjacency.
class GraphMlp : public GraphBase {
 public:
  GraphMlp(const GraphModelOptions& options, Generator& generator)
      : options_(options), layers_(MakeLayers(options, generator)), head_(options, options.widths.back(), generator) {
    for (size_t l = 0; l < layers_.size(); ++l) AddModule("conv" + std::to_string(l + 1), *layers_[l]);
    AddModule("fc1", head_.embedding);
    if (head_.output) AddModule("fc2", *head_.output);
  }

  Variable operator()(const Features& x, const Permutation& permutation) const override {
    const Tensor nodes = options_.node_features ? x.features.at(0).value.value() : Tensor();
    Variable h = PermutedLinear(permutation, nodes, x.edges, layers_[0]->weight, layers_[0]->bias);
    for (size_t l = 1; l < layers_.size(); ++l) h = (*layers_[l])(Activate(options_.activation, h));
    return head_(Activate(options_.activation, h));
  }

 private:
  using Layers = std::vector<std::unique_ptr<nn::Linear>>;
  static Layers MakeLayers(const GraphModelOptions& options, Generator& generator) {
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

  GraphModelOptions options_;
  Layers layers_;
  Head head_;
};

// GIN whose nodes carry their rank as a one-hot identifier beside their features; the sum over nodes is embedded.
class GinId : public GraphBase {
 public:
  GinId(const GraphModelOptions& options, Generator& generator)
      : activation_(options.activation), head_(options, options.hidden, generator) {
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
  Head head_;
};

std::unique_ptr<GraphBase> MakeBase(const GraphModelOptions& options, Generator& generator) {
  if (options.base == "mlp") return std::make_unique<GraphMlp>(options, generator);
  Check(options.base == "gin_id", "unknown base function '", options.base, "'; known: mlp, gin_id");
  return std::make_unique<GinId>(options, generator);
}

GinOptions NetworkOptions(const GraphModelOptions& options) {
  GinOptions network = options.network;
  network.channels = options.channels;
  return network;
}

}  // namespace

Variable Activate(Activation activation, const Variable& x) {
  return activation == Activation::kRelu ? Relu(x) : Tanh(x);
}

Features MakeGraphFeatures(const Tensor& nodes, const EdgeLists& edges, const Tensor& num_nodes) {
  return {.features = {{nodes, Representation::Scalars(1)}}, .num_nodes = num_nodes, .edges = edges};
}

GraphModel::GraphModel(const GraphModelOptions& options, Generator& generator)
    : base_(MakeBase(options, generator)), network_(NetworkOptions(options), options.noise_scale, generator) {
  AddModule("backbone", *base_);
  AddModule("interface", network_);
  distribution_ = MakeDistribution(
      options.distribution,
      {.group = ParseGroup("Sn"), .soft_sort = options.soft_sort, .score_jitter = options.score_jitter}, &network_);
}

Noise GraphModel::DrawNoise(const Features& x, int64_t samples, Generator& generator, int64_t first) const {
  Check(samples >= 1, "the number of samples must be at least 1, got ", samples);
  return distribution_->DrawNoise(x, samples, generator, first);
}

GraphModel::Result GraphModel::Forward(const Features& x, const Noise& noise, Generator& generator) {
  network_.set_generator(generator);
  Element element = distribution_->Sample(x, noise);
  const Variable samples = (*base_)(x, *element.permutation);
  Variable entropy;
  if (element.permutation->soft.defined()) entropy = PermutationEntropy(*element.permutation, x.num_nodes);
  return {Mean(samples, {1}), samples, entropy, std::move(element)};
}

}  // namespace orbit
