#include "models/message_passing_networks.h"

#include <cmath>
#include <eigen3/Eigen/Dense>

#include "engine/ops/graph_attention.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

// Constants of a batch of graphs by which layers scale.
struct GraphScales {
  Tensor mask;                 // [graphs, 1, n, 1]: 1 for nodes, 0 for padding
  Tensor inverse_root_degree;  // [graphs, n]; the degree counts edges into the node and, if `self_loops`, itself
  Tensor inverse_eigenvalue;   // [graphs, 1, 1, 1]: 2 / the largest eigenvalue of the normalised Laplacian
};

GraphScales ScalesOf(const Features& x, bool self_loops, bool eigenvalues) {
  const EdgeLists& edges = x.edges;
  const Tensor& nodes = x.features.at(0).value.value();
  const std::vector<int32_t> offsets = edges.offsets.ToVector<int32_t>(), sources = edges.sources.ToVector<int32_t>(),
                             sizes = x.num_nodes.ToVector<int32_t>();
  std::vector<double> roots(edges.graphs * edges.n, 0.0), inverse(edges.graphs, 1.0);
  for (size_t i = 0; i < roots.size(); ++i) {
    const int32_t degree = offsets[i + 1] - offsets[i] + (self_loops ? 1 : 0);
    if (degree > 0) roots[i] = 1 / std::sqrt(static_cast<double>(degree));
  }
  if (eigenvalues)
    kernels::ParallelFor(edges.graphs, 16, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        const int64_t size = sizes[g], first = g * edges.n;
        if (size == 0) continue;
        Eigen::MatrixXd laplacian = Eigen::MatrixXd::Identity(size, size);
        for (int64_t i = 0; i < size; ++i)
          for (int32_t e = offsets[first + i]; e < offsets[first + i + 1]; ++e)
            laplacian(i, sources[e]) -= roots[first + i] * roots[first + sources[e]];
        const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(laplacian, Eigen::EigenvaluesOnly);
        inverse[g] = 2 / solver.eigenvalues()[size - 1];
      }
    });
  const auto make = [&](const std::vector<double>& values, const Shape& shape) {
    return Tensor::From(values, shape).To(nodes.dtype()).To(nodes.device());
  };
  return {NodeMask(x.num_nodes, edges.n, nodes.dtype()).Reshape({edges.graphs, 1, edges.n, 1}),
          make(roots, {edges.graphs, edges.n}), make(inverse, {edges.graphs, 1, 1, 1})};
}

class GcnLayer : public nn::Module {
 public:
  static constexpr bool kSelfLoops = true, kEigenvalues = false;
  static constexpr int64_t kWidth = 120;

  GcnLayer(int64_t in, Activation, Generator& generator) : linear_(in, kWidth, generator) { AddModule("lin", linear_); }

  Variable operator()(const Variable& x, const EdgeLists& edges, const GraphScales& scales) const {
    return NormalizedMessageSum(Linear(x, linear_.weight), scales.inverse_root_degree, 1, linear_.bias, edges);
  }

 private:
  nn::Linear linear_;
};

class GatLayer : public nn::Module {
 public:
  static constexpr bool kSelfLoops = true, kEigenvalues = false;
  static constexpr int64_t kHeads = 8, kChannels = 15, kWidth = kHeads * kChannels;

  GatLayer(int64_t in, Activation, Generator& generator)
      : linear_(in, kWidth, generator, /*with_bias=*/false),
        from_(AddParameter("att_src", nn::XavierUniform({kHeads, kChannels}, 1, generator))),
        to_(AddParameter("att_dst", nn::XavierUniform({kHeads, kChannels}, 1, generator))),
        bias_(AddParameter("bias", Tensor::Zeros({kWidth}))) {
    AddModule("lin", linear_);
  }

  Variable operator()(const Variable& x, const EdgeLists& edges, const GraphScales&) const {
    const Variable z = Reshape(linear_(x), {x.dim(0), x.dim(1), x.dim(2), kHeads, kChannels});
    // a . (W x) = (a W) . x for each head: the scores need no tensor of z's size.
    const auto scores = [&](const Variable& a) {
      const Variable weight = Reshape(linear_.weight, {kHeads, kChannels, x.dim(3)});
      return Linear(x, Sum(Mul(weight, Reshape(a, {kHeads, kChannels, 1})), {1}));
    };
    const Variable y = GraphAttention(z, scores(from_), scores(to_), edges);
    return Add(Reshape(y, {x.dim(0), x.dim(1), x.dim(2), kWidth}), bias_);
  }

 private:
  nn::Linear linear_;
  const Variable from_, to_, bias_;
};

class GinLayer : public nn::Module {
 public:
  static constexpr bool kSelfLoops = false, kEigenvalues = false;
  static constexpr int64_t kWidth = 120;

  GinLayer(int64_t in, Activation, Generator& generator)
      : eps_(AddParameter("eps", generator.Uniform({1}, 0, 1))), linear_(in, kWidth, generator) {
    AddModule("nn.0", linear_);
  }

  Variable operator()(const Variable& x, const EdgeLists& edges, const GraphScales&) const {
    return linear_(MessageSum(x, eps_, edges));
  }

 private:
  const Variable eps_;
  nn::Linear linear_;
};

class ChebLayer : public nn::Module {
 public:
  static constexpr bool kSelfLoops = false, kEigenvalues = true;
  static constexpr int64_t kWidth = 70;

  // The weights of T_0, T_1 and T_2 side by side.
  ChebLayer(int64_t in, Activation, Generator& generator) : linear_(3 * in, kWidth, generator) {
    AddModule("lin", linear_);
  }

  Variable operator()(const Variable& x, const EdgeLists& edges, const GraphScales& scales) const {
    // 2 L / l - I = (2 / l - 1) I - 2 / l D^-1/2 A D^-1/2
    const Variable scale(scales.inverse_eigenvalue);
    const auto apply = [&](const Variable& t) {
      const Variable neighbours = NormalizedMessageSum(t, scales.inverse_root_degree, 0, {}, edges);
      return Sub(Mul(t, AddScalar(scale, -1)), Mul(neighbours, scale));
    };
    const Variable first = apply(x), second = Sub(Scale(apply(first), 2), x);
    return linear_(Concat({x, first, second}, -1));
  }

 private:
  nn::Linear linear_;
};

template <class Layer>
class Network : public TailoredGraphNetwork {
 public:
  Network(const TailoredGraphOptions& options, Generator& generator)
      : activation_(options.head.activation), head_(options.head, Layer::kWidth, generator) {
    Check(options.layers >= 1, "a graph network of ", options.layers, " layers");
    for (int64_t l = 0; l < options.layers; ++l) {
      layers_.push_back(
          std::make_unique<Layer>(l == 0 ? options.channels : Layer::kWidth, options.head.activation, generator));
      AddModule("conv" + std::to_string(l + 1), *layers_.back());
    }
    AddModule("fc1", head_.embedding);
    if (head_.output) AddModule("fc2", *head_.output);
  }

  Variable Predict(const Features& x) const override {
    const Variable& nodes = x.features.at(0).value;
    const GraphScales scales = ScalesOf(x, Layer::kSelfLoops, Layer::kEigenvalues);
    Variable h = Reshape(nodes, {nodes.dim(0), 1, nodes.dim(1), nodes.dim(2)});
    for (const auto& layer : layers_) h = Activate(activation_, (*layer)(h, x.edges, scales));
    return head_(Sum(Mul(h, scales.mask), {1, 2}));
  }

 private:
  Activation activation_;
  std::vector<std::unique_ptr<Layer>> layers_;
  GraphHead head_;
};

}  // namespace

std::unique_ptr<TailoredGraphNetwork> MakeGcn(const TailoredGraphOptions& options, Generator& generator) {
  return std::make_unique<Network<GcnLayer>>(options, generator);
}
std::unique_ptr<TailoredGraphNetwork> MakeGat(const TailoredGraphOptions& options, Generator& generator) {
  return std::make_unique<Network<GatLayer>>(options, generator);
}
std::unique_ptr<TailoredGraphNetwork> MakeGinNetwork(const TailoredGraphOptions& options, Generator& generator) {
  return std::make_unique<Network<GinLayer>>(options, generator);
}
std::unique_ptr<TailoredGraphNetwork> MakeChebNet(const TailoredGraphOptions& options, Generator& generator) {
  return std::make_unique<Network<ChebLayer>>(options, generator);
}

}  // namespace orbit
