#include "models/nbody_model.h"

#include <utility>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

// The experiments call E(3) by the name of its rotations: the translation is always taken out by centring.
Group ParseSymmetry(const NBodyModelOptions& options) {
  Group group = ParseGroup(options.symmetry);
  Check(group.matrix == nullptr || group.matrix->form() == Form{.positive = 3},
        "particles live in three dimensions: symmetry '", options.symmetry, "' does not act on them");
  Check(options.base == "transformer" || options.base == "gnn", "unknown base function '", options.base,
        "'; known: transformer, gnn");
  Check(options.base == "transformer" || !group.permutations,
        "the gnn is equivariant to permutations by itself: use symmetry O3 or SO3, not ", options.symmetry);
  group.translations = true;
  return group;
}

}  // namespace

ParticleNetwork::ParticleNetwork(const NBodyModelOptions& options, Generator& generator)
    : noise_scale_(options.noise_scale),
      network_({.channels = 2,
                .hidden = options.network_hidden,
                .neighbours = options.network_neighbours,
                .dropout = options.network_dropout},
               generator) {
  AddModule("vnn_interface", network_);
}

Tensor ParticleNetwork::DrawNoise(const Features& x, int64_t samples, Generator& generator) const {
  const Tensor& nodes = x.features[0].value.value();
  return generator.Normal({nodes.dim(0), samples, nodes.dim(1), nodes.dim(2), nodes.dim(3)}, 0, noise_scale_,
                          nodes.dtype(), nodes.device());
}

Proposal ParticleNetwork::Forward(const Features& x, const Tensor& noise, Generator& generator) {
  const Variable& nodes = x.features[0].value;  // [batch, n, 3, 2]
  const int64_t batch = nodes.dim(0), n = nodes.dim(1), samples = noise.defined() ? noise.dim(1) : 1;
  const Variable positions = Slice(nodes, -1, 0, 1);
  const Variable centred = Concat({Sub(positions, Mean(positions, {1}, /*keepdim=*/true)), Slice(nodes, -1, 1, 2)}, -1);
  Variable z = Reshape(centred, {batch, 1, n, 3, 2});
  if (noise.defined()) z = Add(z, noise);
  const auto [scores, frame] = network_(Reshape(z, {batch * samples, n, 3, 2}), generator);
  return {Reshape(scores, {batch, samples, n}), Reshape(frame, {batch, samples, 3, 3})};
}

NBodyModel::NBodyModel(const NBodyModelOptions& options, Generator& generator)
    : group_(ParseSymmetry(options)), network_(options, generator) {
  BaseFunction base;
  Representation output;
  if (options.base == "transformer") {
    ParticleTransformerOptions transformer = options.transformer;
    transformer.nodes = options.nodes;
    transformer_ = std::make_unique<ParticleTransformer>(transformer, generator);
    AddModule("backbone", *transformer_);
    base = [this](const std::vector<Variable>& x) {
      const Variable y = (*transformer_)(x[0], x[1]);
      return Reshape(y, {y.dim(0), y.dim(1), 3, 1});
    };
    output = Representation::Vectors(1);
  } else {
    gnn_ = std::make_unique<ParticleGnn>(options.gnn, generator);
    AddModule("backbone", *gnn_);
    base = [this](const std::vector<Variable>& x) {
      const Variable y = (*gnn_)(x[0], x[1]);
      return Reshape(y, {y.dim(0), y.dim(1), 3, 1});
    };
    output = Representation::Vectors(1, /*points=*/1);
  }
  AddModule("interface", network_);
  distribution_ = MakeDistribution(options.distribution,
                                   {.group = group_,
                                    .soft_sort = options.soft_sort,
                                    .score_jitter = options.score_jitter,
                                    .frame_jitter = options.frame_jitter},
                                   &network_);
  symmetrizer_ = std::make_unique<Symmetrizer>(base, *distribution_, output);
}

Features NBodyModel::MakeFeatures(const ParticleBatch& batch) {
  return {
      .features = {{batch.nodes, Representation::Vectors(1, /*points=*/1)}, {batch.edges, Representation::Scalars(2)}},
      .num_nodes = {},  // all clouds have as many particles
      .edges = {}};
}

Noise NBodyModel::DrawNoise(const ParticleBatch& batch, int64_t samples, Generator& generator) const {
  Check(samples >= 1, "the number of samples must be at least 1, got ", samples);
  return distribution_->DrawNoise(MakeFeatures(batch), samples, generator);
}

NBodyModel::Result NBodyModel::Forward(const ParticleBatch& batch, int64_t samples, Generator& generator) {
  return Forward(batch, DrawNoise(batch, samples, generator), generator);
}

NBodyModel::Result NBodyModel::Forward(const ParticleBatch& batch, const Noise& noise, Generator& generator) {
  const Features x = MakeFeatures(batch);
  auto [output, element] = (*symmetrizer_)(x, noise, generator);
  Variable prediction = Reshape(output, {batch.nodes.dim(0), batch.nodes.dim(1), 3});
  if (transformer_) {  // which predicts displacements
    const Variable positions = Slice(batch.nodes, -1, 0, 1);
    prediction = Add(prediction, Reshape(positions, prediction.shape()));
  }
  Variable entropy;
  if (element.permutation && element.permutation->soft.defined())
    entropy = PermutationEntropy(*element.permutation, x.num_nodes);
  return {prediction, entropy, element};
}

}  // namespace orbit
