#include "models/graph_model.h"

#include <algorithm>
#include <utility>

#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

GinOptions NetworkOptions(const GraphModelOptions& options) {
  GinOptions network = options.network;
  network.channels = options.base.channels;
  return network;
}

class SymmetrizedGraphModel : public GraphModel {
 public:
  SymmetrizedGraphModel(const GraphModelOptions& options, Generator& generator)
      : base_(MakeGraphBase(options.model, options.base, generator)),
        network_(NetworkOptions(options), options.noise_scale, generator),
        distribution_(MakeDistribution(
            options.distribution,
            {.group = ParseGroup("Sn"), .soft_sort = options.soft_sort, .score_jitter = options.score_jitter},
            &network_)) {
    AddModule("backbone", *base_);
    AddModule("interface", network_);
  }

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const override {
    Check(samples >= 1, "the number of samples must be at least 1, got ", samples);
    return distribution_->DrawNoise(x, samples, generator);
  }

  Result Forward(const Features& x, const Noise& noise, Generator& generator) override {
    Element element = distribution_->Sample(x, noise, generator);
    const Variable samples = (*base_)(x, *element.permutation);
    Variable entropy;
    if (element.permutation->soft.defined()) entropy = PermutationEntropy(*element.permutation, x.num_nodes);
    return {Mean(samples, {1}), samples, entropy, std::move(element)};
  }

  Representation noise_representation() const override { return network_.noise_representation(); }

 private:
  std::unique_ptr<GraphBase> base_;
  GraphNetwork network_;
  std::unique_ptr<Distribution> distribution_;
};

class TailoredGraphModel : public GraphModel {
 public:
  TailoredGraphModel(const GraphModelOptions& options, Generator& generator)
      : network_(MakeTailoredGraphNetwork(options.model, {.channels = options.base.channels, .head = options.base.head},
                                          generator)) {
    AddModule("network", *network_);
  }

  Noise DrawNoise(const Features&, int64_t samples, Generator&) const override {
    Check(samples == 1, "a network that is invariant by itself takes 1 sample, asked for ", samples);
    return {};
  }

  Result Forward(const Features& x, const Noise&, Generator&) override {
    const Variable output = (*network_)(x);
    return {output, Reshape(output, {output.dim(0), 1, output.dim(1)}), {}, {}};
  }

  Representation noise_representation() const override { return Representation::Invariant(); }

 private:
  std::unique_ptr<TailoredGraphNetwork> network_;
};

}  // namespace

Features MakeGraphFeatures(const Tensor& nodes, const EdgeLists& edges, const Tensor& num_nodes) {
  return {.features = {{nodes, Representation::Scalars(1)}}, .num_nodes = num_nodes, .edges = edges};
}

bool IsTailored(const std::string& model) {
  const auto& names = TailoredGraphNetworks();
  return std::find(names.begin(), names.end(), model) != names.end();
}

std::unique_ptr<GraphModel> MakeGraphModel(const GraphModelOptions& options, Generator& generator) {
  if (IsTailored(options.model)) return std::make_unique<TailoredGraphModel>(options, generator);
  return std::make_unique<SymmetrizedGraphModel>(options, generator);
}

}  // namespace orbit
