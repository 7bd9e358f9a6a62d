#include "models/nbody_model.h"

#include <utility>

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/symmetrizer.h"

namespace orbit {
namespace {

// The experiments name E(3) by its rotations; translations are always removed by centring.
Group ParseSymmetry(const NBodyModelOptions& options) {
  Group group = ParseGroup(options.symmetry);
  Check(group.matrix == nullptr || group.matrix->form() == Form{.positive = 3},
        "particles live in three dimensions: symmetry '", options.symmetry, "' does not act on them");
  Check(options.base == "transformer" || options.base == "gnn", "unknown base function '", options.base,
        "'; known: transformer, gnn, egnn");
  Check(options.base == "transformer" || !group.permutations,
        "the gnn is equivariant to permutations by itself: use symmetry O3 or SO3, not ", options.symmetry);
  group.translations = true;
  return group;
}

// A symmetrized base function that predicts displacements, which are vectors and are added to the positions.
class DisplacementModel : public Symmetrizer {
 public:
  DisplacementModel(std::unique_ptr<BaseFunction> base, std::unique_ptr<Distribution> distribution)
      : Symmetrizer(std::move(base), std::move(distribution), Representation::Vectors(1)) {}

  Result Forward(const Features& x, const Noise& noise, Generator& generator) override {
    Result result = Symmetrizer::Forward(x, noise, generator);
    result.output = Add(result.output, Slice(x.features[0].value, -1, 0, 1));
    return result;
  }
  Representation output_representation() const override { return Representation::Vectors(1, /*points=*/1); }
};

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

Features MakeParticleFeatures(const ParticleBatch& batch) {
  Features x = {
      .features = {{batch.nodes, Representation::Vectors(1, /*points=*/1)}, {batch.edges, Representation::Scalars(2)}},
      .num_nodes = {},  // all clouds have the same number of particles
      .edges = {}};
  if (batch.charges.defined()) x.features.push_back({batch.charges, Representation::Scalars(1)});
  return x;
}

std::unique_ptr<Model> MakeNBodyModel(const NBodyModelOptions& options, Generator& generator) {
  if (options.base == "egnn") return std::make_unique<Egnn>(options.egnn, generator);
  const Group group = ParseSymmetry(options);
  auto network = std::make_unique<ParticleNetwork>(options, generator);
  const auto distribution = [&] {
    return MakeDistribution(options.distribution,
                            {.group = group,
                             .soft_sort = options.soft_sort,
                             .score_jitter = options.score_jitter,
                             .frame_jitter = options.frame_jitter},
                            std::move(network));
  };
  if (options.base == "gnn")
    return std::make_unique<Symmetrizer>(std::make_unique<ParticleGnn>(options.gnn, generator), distribution(),
                                         Representation::Vectors(1, /*points=*/1));
  ParticleTransformerOptions transformer = options.transformer;
  transformer.nodes = options.nodes;
  return std::make_unique<DisplacementModel>(std::make_unique<ParticleTransformer>(transformer, generator),
                                             distribution());
}

}  // namespace orbit
