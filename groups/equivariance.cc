#include "groups/equivariance.h"

#include <vector>

#include "engine/ops/indexing.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

// Transforms every sample of y [batch, samples, ...] by the same h.
Tensor ActOnSamples(const Element& h, const Representation& representation, const Tensor& y) {
  std::vector<Variable> samples;
  for (int64_t s = 0; s < y.dim(1); ++s) samples.push_back(h.Act(representation, Slice(y, 1, s, s + 1)));
  return Concat(samples, 1).value();
}

// Renumbers nodes: node r becomes node index[r], index i32 [graphs, 1, n]. Edges take their features along.
void Renumber(const Tensor& index, Features& x) {
  const EdgeLists& edges = x.edges;
  const std::vector<int32_t> offsets = edges.offsets.ToVector<int32_t>(), sources = edges.sources.ToVector<int32_t>(),
                             numbers = index.ToVector<int32_t>();
  std::vector<std::vector<Edge>> graphs(edges.graphs);
  for (int64_t g = 0; g < edges.graphs; ++g)
    for (int64_t i = 0; i < edges.n; ++i)
      for (int32_t e = offsets[g * edges.n + i]; e < offsets[g * edges.n + i + 1]; ++e)
        graphs[g].push_back({numbers[g * edges.n + sources[e]], numbers[g * edges.n + i]});
  std::vector<int32_t> given;
  x.edges = MakeEdgeLists(edges.n, graphs, &given).To(edges.offsets.device());
  if (!x.edge_features.defined()) return;
  const std::vector<int64_t> rows(given.begin(), given.end());
  x.edge_features =
      IndexSelect(x.edge_features, Tensor::From(rows, {x.edges.edges()}, x.edge_features.device())).value();
}

}  // namespace

Element RandomElement(const Group& group, const Features& x, Generator& generator) {
  const auto haar =
      MakeDistribution("haar", {.group = {.permutations = group.permutations, .translations = group.translations}});
  Element h = haar->Sample(x, haar->DrawNoise(x, 1, generator), generator);
  const Tensor& like = x.features.at(0).value.value();
  if (group.matrix != nullptr) {
    const Shape shape = {x.batch(), 1, group.matrix->dimension(), group.matrix->vectors()};
    h.matrix = group.matrix->Random(generator.Normal(shape, 0, 1, like.dtype(), like.device()));
    h.matrix_group = group.matrix;
  }
  if (group.translations) h.translation = generator.Normal(h.translation.shape(), 0, 1, like.dtype(), like.device());
  return h;
}

Variable Act(const Element& h, const Feature& x) {
  Shape shape = x.value.shape();
  shape.insert(shape.begin() + 1, 1);
  return Reshape(h.Act(x.representation, Reshape(x.value, shape)), x.value.shape());
}

Features Act(const Element& h, const Features& x) {
  Features result = x;
  for (Feature& feature : result.features) feature.value = Act(h, feature);
  if (h.permutation && x.edges.graphs > 0) Renumber(h.permutation->index, result);
  return result;
}

Noise Act(const Element& h, const Representation& network, const Noise& noise) {
  Noise result{.samples = noise.samples, .network = {}, .scores = {}, .frame = {}};
  if (noise.network.defined()) result.network = ActOnSamples(h, network, noise.network);
  if (noise.scores.defined()) {
    Shape shape = noise.scores.shape();
    shape.push_back(1);
    result.scores =
        ActOnSamples(h, Representation::Scalars(1), noise.scores.Reshape(shape)).Reshape(noise.scores.shape());
  }
  if (noise.frame.defined()) result.frame = ActOnSamples(h, Representation::Vectors(0), noise.frame);
  return result;
}

}  // namespace orbit
