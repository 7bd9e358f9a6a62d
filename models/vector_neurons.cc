#include "models/vector_neurons.h"

#include "engine/nn/init.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/rotation.h"

namespace orbit {
namespace {

// The network computes in double precision in every model. It divides by the norms of vectors that nearly cancel, layer
// after layer, and scores that hardly differ decide an order. It is a small part of a step.
constexpr DType kPrecision = DType::kF64;

Tensor LinearWeight(int64_t in, int64_t out, Generator& generator) {
  return nn::FanInUniform({out, in}, in, generator);
}

// The coordinates of vectors h [graphs, n, 3, channels] in the frames z [graphs, n, 3, 3] of their points:
// [graphs, n, 3 channels], ordered by frame vector, then channel.
Variable InFrames(const Variable& h, const Variable& z) {
  const int64_t graphs = h.dim(0), n = h.dim(1), channels = h.dim(3);
  const Variable y = RotateTransposed(Reshape(z, {graphs * n, 1, 3, 3}), Reshape(h, {graphs * n, 1, 3, channels}));
  return Reshape(y, {graphs, n, 3 * channels});
}

}  // namespace

VNLayer::Norm::Norm(int64_t channels)
    : weight(AddParameter("bn.weight", Tensor::Full({channels}, 1))),
      bias(AddParameter("bn.bias", Tensor::Zeros({channels}))),
      running_mean(AddBuffer("bn.running_mean", Tensor::Zeros({channels}))),
      running_var(AddBuffer("bn.running_var", Tensor::Full({channels}, 1))) {}

VNLayer::VNLayer(int64_t in, int64_t out, bool shared_direction, Generator& generator)
    : feature_(AddParameter("map_to_feat.weight", LinearWeight(in, out, generator))),
      direction_(AddParameter("map_to_dir.weight", LinearWeight(in, shared_direction ? 1 : out, generator))),
      norm_(out) {
  AddModule("batchnorm", norm_);
}

VectorNeuronParameters VNLayer::Parameters(DType dtype) const {
  return {.feature = Cast(feature_, dtype),
          .direction = Cast(direction_, dtype),
          .weight = Cast(norm_.weight, dtype),
          .bias = Cast(norm_.bias, dtype)};
}

Variable VNLayer::operator()(const Variable& x, const Variable& context) const {
  return VectorNeurons(x, context, Parameters(x.dtype()), Running(), training());
}

Variable VNLayer::Convolve(const Variable& x, int64_t k, const Variable& pool) const {
  return VectorNeuronEdges(x, k, pool, Parameters(x.dtype()), Running(), training());
}

VNMaxPool::VNMaxPool(int64_t channels, Generator& generator)
    : direction(AddParameter("map_to_dir.weight", LinearWeight(channels, channels, generator))) {}

Variable VNMaxPool::operator()(const Variable& x) const { return VectorMaxPool(x, Cast(direction, x.dtype())); }

VNDgcnn::StdFeature::StdFeature(int64_t channels, Generator& generator)
    : vn1(channels, channels / 2, false, generator),
      vn2(channels / 2, channels / 4, false, generator),
      linear(AddParameter("vn_lin.weight", LinearWeight(channels / 4, 3, generator))) {
  AddModule("vn1", vn1);
  AddModule("vn2", vn2);
}

VNDgcnn::VNDgcnn(const VNDgcnnOptions& options, Generator& generator)
    : options_(options),
      conv1_(2 * options.channels, options.hidden / 3, false, generator),
      conv2_(2 * (options.hidden / 3), options.hidden / 3, false, generator),
      conv3_(2 * (options.hidden / 3), options.hidden / 3, true, generator),
      pool1_(options.hidden / 3, generator),
      pool2_(options.hidden / 3, generator),
      pool3_(options.hidden / 3, generator),
      std_feature_(2 * (options.hidden / 3), generator),
      head1_(12 * (options.hidden / 3), 1, generator),
      head2_(AddParameter("head2.map_to_feat.weight", LinearWeight(options.hidden / 3, 3, generator))) {
  Check(options.hidden >= 6, "the width of VN-DGCNN must be at least 6, got ", options.hidden);
  AddModule("conv1", conv1_);
  AddModule("conv2", conv2_);
  AddModule("conv3", conv3_);
  AddModule("pool1", pool1_);
  AddModule("pool2", pool2_);
  AddModule("pool3", pool3_);
  AddModule("std_feature", std_feature_);
  AddModule("head1", head1_);
}

VNDgcnn::Result VNDgcnn::operator()(const Variable& input, Generator& generator) const {
  const Variable x = Cast(input, kPrecision);
  const auto parameter = [](const Variable& value) { return Cast(value, kPrecision); };
  const int64_t graphs = x.dim(0), n = x.dim(1);
  const Variable x1 = conv1_.Convolve(x, options_.neighbours, parameter(pool1_.direction));
  Variable x2 = conv2_.Convolve(x1, options_.neighbours, parameter(pool2_.direction));
  if (training()) x2 = Dropout(x2, options_.dropout, generator);
  const Variable x12 = Concat({x1, x2}, -1);
  const Variable local = conv3_(x12), mean = Mean(local, {1});
  const Variable z =
      Linear(std_feature_.vn2(std_feature_.vn1(local, mean)), parameter(std_feature_.linear));  // one frame per point
  const Variable h = Concat({local, BroadcastTo(Reshape(mean, {graphs, 1, 3, local.dim(3)}), local.shape())}, -1);

  // The head's inputs are, of h, the invariants' maxima over the points, and the invariants of x12. Its weight orders
  // them by channel, then frame vector.
  const int64_t channels = h.dim(3);
  const auto weight_of = [&](int64_t part) {
    const Variable weight = Slice(parameter(head1_.weight), 1, part * 3 * channels, (part + 1) * 3 * channels);
    return Reshape(Permute(Reshape(weight, {1, channels, 3}), {0, 2, 1}), {1, 3 * channels});
  };
  const Variable global = Linear(Max(InFrames(h, z), 1), weight_of(0), parameter(head1_.bias));  // [graphs, 1]
  const Variable scores = Add(Reshape(Linear(InFrames(x12, z), weight_of(1)), {graphs, n}), global);
  return {Cast(scores, input.dtype()), Cast(Linear(pool3_(x1), parameter(head2_)), input.dtype())};
}

}  // namespace orbit
