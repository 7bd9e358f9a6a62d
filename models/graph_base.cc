#include "models/graph_base.h"

#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/permuted_linear.h"

namespace orbit {
namespace {

// Reshapes the head's outputs for every row to the output's representation: [rows, n^order, channels].
Variable ByNodes(const GraphBaseOptions& options, const View& x, const Variable& y) {
  Shape shape = {x.rows()};
  shape.insert(shape.end(), options.output_order, options.n);
  shape.push_back(-1);
  return Reshape(y, shape);
}

// An MLP on the flattened permuted node features and adjacency matrix.
class GraphMlp : public BaseFunction {
 public:
  GraphMlp(const GraphBaseOptions& options, Generator& generator)
      : options_(options),
        layers_(MakeLayers(options, generator)),
        head_(options.head, options.widths.back(), generator) {
    for (size_t l = 0; l < layers_.size(); ++l) AddModule("conv" + std::to_string(l + 1), *layers_[l]);
    AddModule("fc1", head_.embedding);
    if (head_.output) AddModule("fc2", *head_.output);
  }

  Variable Forward(const View& view, Generator&) const override {
    const Features& x = view.x();
    const Tensor nodes = options_.node_features ? x.features.at(0).value.value() : Tensor();
    Variable h = PermutedLinear(view.permutation(), nodes, x.edges, layers_[0]->weight, layers_[0]->bias, x.num_nodes);
    for (size_t l = 1; l < layers_.size(); ++l) h = (*layers_[l])(Activate(options_.head.activation, h));
    return ByNodes(options_, view, head_(Activate(options_.head.activation, h)));
  }

 private:
  using Layers = std::vector<std::unique_ptr<nn::Linear>>;
  static Layers MakeLayers(const GraphBaseOptions& options, Generator& generator) {
    Check(!options.widths.empty(), "the MLP needs at least one layer");
    Layers layers;
    int64_t in = options.n * options.n + (options.node_features ? options.n * options.channels : 0);
    for (const int64_t width : options.widths) {
      Check(width >= 1, "an MLP's layer of width ", width);
      try {
        layers.push_back(std::make_unique<nn::Linear>(in, width, generator));
      } catch (const Error&) {
        if (!layers.empty()) throw;
        Fail("not enough memory for an MLP on graphs of ", options.n,
             " nodes: its first layer has a weight for every "
             "pair of them, ",
             in, " inputs times ", width, ", which are ", in * width * 4 / 1000000, " MB");
      }
      in = width;
    }
    return layers;
  }

  GraphBaseOptions options_;
  Layers layers_;
  GraphHead head_;
};

// GIN whose nodes carry their rank as a one-hot identifier beside their features; the sum over nodes is embedded. The
// identifiers choose columns of the first layer's weight and are never formed.
class GinId : public BaseFunction {
 public:
  GinId(const GraphBaseOptions& options, Generator& generator)
      : options_(options), head_(options.head, options.hidden, generator) {
    for (int64_t l = 0; l < 3; ++l)
      convolutions_.push_back(std::make_unique<Convolution>(l == 0 ? options.channels + options.n : options.hidden,
                                                            options.hidden, generator));
    for (size_t l = 0; l < convolutions_.size(); ++l) AddModule("conv" + std::to_string(l + 1), *convolutions_[l]);
    AddModule("fc1", head_.embedding);
    if (head_.output) AddModule("fc2", *head_.output);
  }

  Variable Forward(const View& view, Generator&) const override {
    const Features& x = view.x();
    const Variable& nodes = x.features.at(0).value;
    const int64_t batch = nodes.dim(0), n = nodes.dim(1), channels = nodes.dim(2);
    Check(n == options_.n && channels == options_.channels, "GIN-ID for graphs of ", options_.n, " nodes with ",
          options_.channels, " features is given ", nodes.value().Describe());
    const Tensor mask = NodeMask(x.num_nodes, n, nodes.dtype()).Reshape({batch, 1, n, 1});
    // A layer is linear in the sum of messages, so the first one's weight comes before the sum: all that grows with n^2
    // is left out.
    const nn::Linear& first = convolutions_[0]->linear;
    const Variable of_features = Linear(nodes, Slice(first.weight, 1, 0, channels)),
                   of_ranks =
                       EmbedRanks(view.permutation(), Permute(Slice(first.weight, 1, channels, channels + n), {1, 0}));
    Variable h = Add(Reshape(of_features, {batch, 1, n, options_.hidden}), of_ranks);
    h = Activate(options_.head.activation, Add(MessageSum(h, convolutions_[0]->eps, x.edges), first.bias));
    for (size_t l = 1; l < convolutions_.size(); ++l)
      h = Activate(options_.head.activation, convolutions_[l]->linear(MessageSum(h, convolutions_[l]->eps, x.edges)));
    return ByNodes(options_, view, head_(Sum(Mul(h, mask), {2})));
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

  GraphBaseOptions options_;
  std::vector<std::unique_ptr<Convolution>> convolutions_;
  GraphHead head_;
};

}  // namespace

std::unique_ptr<BaseFunction> MakeGraphBase(const std::string& name, const GraphBaseOptions& options,
                                            Generator& generator) {
  int64_t numbers = options.head.outputs > 0 ? options.head.outputs : options.head.embedding;
  for (int i = 0; i < options.output_order; ++i) {
    Check(numbers % options.n == 0, "a head of ", numbers, " numbers has none for each of ", options.n, " nodes");
    numbers /= options.n;
  }
  if (name == "mlp") return std::make_unique<GraphMlp>(options, generator);
  Check(name == "gin_id", "unknown base function '", name, "'; known: mlp, gin_id");
  return std::make_unique<GinId>(options, generator);
}

}  // namespace orbit
