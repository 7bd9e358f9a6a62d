#include "models/inner_product_network.h"

#include <eigen3/Eigen/QR>
#include <limits>
#include <string>

#include "engine/ops/diagonal.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

const MatrixGroup& MatricesOf(const Group& group) {
  Check(group.matrix != nullptr, "inner products need a matrix group, which '", NameOf(group), "' has not");
  return *group.matrix;
}

// The vectors of the nodes, [batch, n, d, any]: first those on which translations do not act, then positions relative
// to their mean.
Variable Vectors(const Features& x) {
  std::vector<Variable> vectors, positions;
  for (const Feature& feature : x.features) {
    const Representation& r = feature.representation;
    if (r.order != 1 || !r.vector) continue;
    const int64_t channels = feature.value.dim(-1);
    if (r.points < channels) vectors.push_back(Slice(feature.value, -1, r.points, channels));
    if (r.points == 0) continue;
    const Variable points = Slice(feature.value, -1, 0, r.points);
    positions.push_back(Sub(points, Mean(points, {1}, /*keepdim=*/true)));
  }
  vectors.insert(vectors.end(), positions.begin(), positions.end());
  Check(!vectors.empty(), "the network needs vectors of nodes, and there is no such feature");
  return Concat(vectors, -1);
}

// Throws Error for the first graph whose nodes' vectors [batch, n, d, channels] do not span all d dimensions, up to
// rounding, so that no frame can be made of them.
void CheckSpan(const Tensor& vectors) {
  const int64_t d = vectors.dim(2), size = vectors.dim(1) * d, channels = vectors.dim(3);
  const double rounding =
      vectors.dtype() == DType::kF64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const std::vector<double> values = vectors.ToVector<double>();
  for (int64_t b = 0; b < vectors.dim(0); ++b) {
    Eigen::MatrixXd rows(d, vectors.dim(1) * channels);  // rows of coordinates
    for (int64_t i = 0; i < size; ++i)
      for (int64_t c = 0; c < channels; ++c) rows(i % d, i / d * channels + c) = values[(b * size + i) * channels + c];
    const int64_t rank = Eigen::ColPivHouseholderQR<Eigen::MatrixXd>(rows).setThreshold(4 * rounding).rank();
    Check(rank == d, "the vectors of the nodes of graph ", b, " do not span: of their ", d, " dimensions they have ",
          rank);
  }
}

// Repeats x [batch, n, ...] for every sample: [batch * samples, n, ...].
Variable Repeat(const Variable& x, int64_t samples) {
  Shape shape = x.shape();
  shape.insert(shape.begin() + 1, 1);
  const Variable one = Reshape(x, shape);
  shape[1] = samples;
  return FoldSamples(BroadcastTo(one, shape));
}

// x / sqrt(sqrt(x^2 + 1)), which grows like a square root: products of boosted vectors span orders of magnitude.
Variable Tame(const Variable& x) { return Div(x, Sqrt(Sqrt(AddScalar(Square(x), 1)))); }

}  // namespace

InnerProductNetwork::Layer::Layer(int64_t products, int64_t hidden, Generator& generator)
    : receiver(hidden, hidden, generator),
      sender(hidden, hidden, generator, /*with_bias=*/false),
      product(products, hidden, generator, /*with_bias=*/false),
      message(hidden, hidden, generator),
      state(2 * hidden, hidden, generator),
      update(hidden, hidden, generator) {
  AddModule("receiver", receiver);
  AddModule("sender", sender);
  AddModule("product", product);
  AddModule("message", message);
  AddModule("state", state);
  AddModule("update", update);
}

InnerProductNetwork::InnerProductNetwork(const Group& group, const InnerProductNetworkOptions& options,
                                         Generator& generator)
    : group_(group),
      options_(options),
      channels_(options.vectors * MatricesOf(group).dimension() / group.matrix->vectors()),
      embedding_(channels_ * channels_ + options.scalars + (group.matrix->compact() ? 0 : options.noise_channels),
                 options.hidden, generator),
      scores_(options.hidden, 1, generator),
      weights_(options.hidden, channels_ * (group.matrix->vectors() - (group.matrix->compact() ? 0 : 1)), generator),
      positive_weights_(options.hidden, 1, generator) {
  AddModule("embedding", embedding_);
  for (int64_t l = 0; l < options.layers; ++l) {
    layers_.push_back(std::make_unique<Layer>(channels_ * channels_, options.hidden, generator));
    AddModule("layers." + std::to_string(l), *layers_.back());
  }
  if (group.permutations) AddModule("scores", scores_);
  AddModule("weights", weights_);
  if (!group.matrix->compact()) AddModule("positive_weights", positive_weights_);
}

Representation InnerProductNetwork::noise_representation() const {
  return group_.matrix->compact() ? Representation::Vectors(1) : Representation::Scalars(1);
}

Tensor InnerProductNetwork::DrawNoise(const Features& x, int64_t samples, Generator& generator) const {
  const Variable vectors = Vectors(x);
  Shape shape = {vectors.dim(0), samples, vectors.dim(1), options_.noise_channels};
  if (group_.matrix->compact()) shape = {vectors.dim(0), samples, vectors.dim(1), vectors.dim(2), vectors.dim(3)};
  return generator.Normal(shape, 0, options_.noise_scale, vectors.dtype(), vectors.device());
}

Proposal InnerProductNetwork::Forward(const Features& x, const Tensor& noise, Generator&) {
  Check(!x.num_nodes.defined(), "the network takes graphs of one size");
  const Form& form = group_.matrix->form();
  const bool compact = group_.matrix->compact();
  const int64_t samples = noise.defined() ? noise.dim(1) : 1, frame_vectors = group_.matrix->vectors();
  const Variable given = Vectors(x);
  const int64_t batch = given.dim(0), rows = batch * samples, n = given.dim(1), d = form.dimension(), c = channels_;
  Check(given.dim(2) == d && given.dim(3) == options_.vectors, "the network takes ", options_.vectors, " vectors of ",
        d, " coordinates a node, got ", given.value().Describe());

  if (!compact) CheckSpan(given.value());
  Variable vectors = Repeat(given, samples);
  if (compact && noise.defined()) vectors = Add(vectors, noise.Reshape(vectors.shape()));
  vectors = Reshape(Permute(OverField(form, vectors), {0, 2, 1, 3}), {rows, d, n * c});
  const Variable products =
      Reshape(Permute(Reshape(MatMul(vectors, Lower(form, vectors), /*transpose_a=*/true), {rows, n, c, n, c}),
                      {0, 1, 3, 2, 4}),
              {rows, n, n, c * c});
  const Variable tamed = Tame(products);

  std::vector<Variable> about_nodes = {Diagonal(tamed)};
  for (const Feature& feature : x.features)
    if (feature.representation.order == 1 && !feature.representation.vector)
      about_nodes.push_back(Repeat(feature.value, samples));
  if (!compact) {
    const Shape shape = {rows, n, options_.noise_channels};
    about_nodes.push_back(noise.defined() ? noise.Reshape(shape) : Tensor::Zeros(shape, given.dtype(), given.device()));
  }
  Variable h = embedding_(Concat(about_nodes, -1));  // [rows, n, hidden]
  for (const auto& layer : layers_) {
    const Variable to = Reshape(layer->receiver(h), {rows, n, 1, options_.hidden}),
                   from = Reshape(layer->sender(h), {rows, 1, n, options_.hidden});
    const Variable messages = Silu(layer->message(Silu(Add(Add(to, from), layer->product(tamed)))));
    h = Add(h, layer->update(Silu(layer->state(Concat({h, Mean(messages, {2})}, -1)))));
  }

  Proposal proposal;
  if (group_.permutations) proposal.scores = Reshape(scores_(h), {batch, samples, n});
  Variable frame = MatMul(vectors, Reshape(weights_(h), {rows, n * c, frame_vectors - (compact ? 0 : 1)}));
  if (!compact) {
    const Variable leading = Reshape(Slice(Reshape(vectors, {rows, d, n, c}), 3, 0, 1), {rows, d, n});
    frame = Concat({MatMul(leading, Exp(Tanh(positive_weights_(h)))), frame}, 2);
  }
  proposal.frame = Reshape(frame, {batch, samples, d, frame_vectors});
  return proposal;
}

}  // namespace orbit
