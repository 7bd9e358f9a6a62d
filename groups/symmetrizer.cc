#include "groups/symmetrizer.h"

#include "engine/ops/shape.h"

namespace orbit {
namespace {

// [batch, samples, ...] <-> [batch * samples, ...].
Variable FoldSamples(const Variable& x) {
  Shape shape = x.shape();
  shape[1] *= shape[0];
  shape.erase(shape.begin());
  return Reshape(x, shape);
}

Variable UnfoldSamples(const Variable& x, int64_t samples) {
  Shape shape = x.shape();
  shape[0] /= samples;
  shape.insert(shape.begin() + 1, samples);
  return Reshape(x, shape);
}

}  // namespace

Symmetrizer::Result Symmetrizer::operator()(const Features& x, int64_t samples, Generator& generator) {
  Check(samples >= 1, "the number of samples must be at least 1, got ", samples);
  return (*this)(x, distribution_.DrawNoise(x, samples, generator), generator);
}

Symmetrizer::Result Symmetrizer::operator()(const Features& x, const Noise& noise, Generator& generator) {
  const Element g = distribution_.Sample(x, noise, generator);
  std::vector<Variable> transformed;
  for (const Feature& feature : x.features)
    transformed.push_back(FoldSamples(g.ActInverse(feature.representation, feature.value, noise.samples)));
  const Variable y = UnfoldSamples(base_(transformed), noise.samples);
  return {g.MeanAct(output_, y), g};
}

}  // namespace orbit
