#include "groups/symmetrizer.h"

#include <utility>

#include "engine/ops/cast.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"

namespace orbit {

Symmetrizer::Symmetrizer(std::unique_ptr<BaseFunction> base, std::unique_ptr<Distribution> distribution,
                         const Representation& output, const SymmetrizerOptions& options)
    : base_(std::move(base)), distribution_(std::move(distribution)), output_(output), diagonal_(options.diagonal) {
  Check(!diagonal_ || (output.order == 2 && !output.vector), "the diagonal of features of order ", output.order);
  AddModule(options.base_name, *base_);
  if (distribution_->network()) AddModule(options.network_name, *distribution_->network());
}

Noise Symmetrizer::DrawNoise(const Features& x, int64_t samples, Generator& generator) const {
  Check(samples >= 1, "the number of samples must be at least 1, got ", samples);
  return distribution_->DrawNoise(x, samples, generator);
}

Model::Result Symmetrizer::Forward(const Features& x, const Noise& noise, Generator& generator) {
  const Autocast full(Precision::kF32);  // for all but f, in whatever scope this is called
  const Element g = distribution_->Sample(x, noise, generator);
  const View view(x, g, noise.samples);
  Variable y;
  {
    const Autocast scope(precision());
    y = base_->Forward(view, generator);
  }
  Check(y.rank() >= 1 && y.dim(0) == view.rows(), "the base function made ", y.value().Describe(), " of ", view.rows(),
        " rows: ", noise.samples, " samples of ", x.batch());
  y = Cast(UnfoldSamples(y, noise.samples), x.features[0].value.dtype());
  Variable output;
  if (diagonal_) {
    Check(g.permutation.has_value(), "the diagonal of what elements without permutations act on");
    output = Mean(ActOnDiagonal(*g.permutation, y), {1});
    y = UnfoldSamples(Diagonal(FoldSamples(y)), noise.samples);
  } else {
    output = g.MeanAct(output_, y);
  }
  Variable entropy;
  if (g.permutation && g.permutation->soft.defined()) entropy = PermutationEntropy(*g.permutation, x.num_nodes);
  return {.output = output, .samples = y, .element = g, .entropy = entropy};
}

Noise Symmetrizer::Act(const Element& h, const Noise& noise) const {
  const EquivariantNetwork* network = distribution_->network();
  return orbit::Act(h, network ? network->noise_representation() : Representation::Invariant(), noise);
}

}  // namespace orbit
