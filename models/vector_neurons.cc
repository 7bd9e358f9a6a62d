#include "models/vector_neurons.h"

#include <algorithm>

#include "engine/dispatch.h"
#include "engine/nn/init.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/rotation.h"
#include "kernels/batch_norm.h"
#include "kernels/nearest_neighbours.h"
#include "kernels/vector_max_pool.h"
#include "kernels/vector_neurons.h"

namespace orbit {
namespace {

constexpr double kMomentum = 0.1;  // of BatchNorm's running statistics
constexpr double kEps = 1e-5;      // of BatchNorm

// The network computes in double precision whatever the model does: it divides by norms of vectors that nearly cancel,
// layer after layer, and scores that are hardly different decide an order. It is a small part of a step.
constexpr DType kPrecision = DType::kF64;

Tensor LinearWeight(int64_t in, int64_t out, Generator& generator) {
  return nn::FanInUniform({out, in}, in, generator);
}

// x [graphs, n, 3, channels] -> i32 [graphs, n, k].
Tensor FindNeighbours(const Tensor& x, int64_t k) {
  Check(k >= 1 && k <= x.dim(1), "a cloud of ", x.dim(1), " points has no ", k, " neighbours");
  const Tensor index = Tensor::Empty({x.dim(0), x.dim(1), k}, DType::kI32, x.device());
  Dispatch("NearestNeighbours", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::NearestNeighbours(device, x.dim(0), x.dim(1), x.dim(2) * x.dim(3), k, x.data<T>(), index.data<int32_t>());
  });
  return index;
}

// What vectors h [graphs, n, 3, channels] look like in the frames z [graphs, n, 3, 3] of their points:
// [graphs, n, 3 channels], by vector of the frame, then channel.
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

void VNLayer::Norm::Move(const Tensor& mean, const Tensor& variance, int64_t rows) const {
  const DType dtype = running_mean.dtype();
  const Tensor new_mean = Cast(mean, dtype).value(), new_variance = Cast(variance, dtype).value();
  Dispatch("VNLayer", new_mean, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MoveStatistics(device, mean.size(), T(kMomentum), T(rows) / T(rows - 1), new_mean.data<T>(),
                            new_variance.data<T>(), running_mean.value().data<T>(), running_var.value().data<T>());
  });
}

VNLayer::VNLayer(int64_t in, int64_t out, bool shared_direction, Generator& generator)
    : out_(out),
      shared_direction_(shared_direction),
      feature_(AddParameter("map_to_feat.weight", LinearWeight(in, out, generator))),
      direction_(AddParameter("map_to_dir.weight", LinearWeight(in, shared_direction ? 1 : out, generator))),
      norm_(out) {
  AddModule("batchnorm", norm_);
}

Variable VNLayer::operator()(const Variable& x, const Variable& context) const { return Apply(x, context, {}, {}); }

Variable VNLayer::Convolve(const Variable& x, int64_t k, const Variable& pool) const {
  return Apply(x, {}, FindNeighbours(x.value(), k), pool);
}

Variable VNLayer::Apply(const Variable& x, const Variable& context, const Tensor& neighbours,
                        const Variable& pool) const {
  const kernels::VectorNeuronShape shape{.graphs = x.dim(0),
                                         .n = x.dim(1),
                                         .in = x.dim(3),
                                         .channels = out_,
                                         .context = context.defined() ? context.dim(2) : 0,
                                         .neighbours = neighbours.defined() ? neighbours.dim(2) : 0,
                                         .shared_direction = shared_direction_};
  Check(feature_.dim(1) == shape.row_channels(), "VNLayer: weight ", feature_.value().Describe(), ", input ",
        x.value().Describe());
  const bool training = this->training();
  const Variable feature = Cast(feature_, x.dtype()), direction = Cast(direction_, x.dtype());
  const Variable weight = Cast(norm_.weight, x.dtype()), bias = Cast(norm_.bias, x.dtype());
  const auto statistics = [&](const Variable& running) {  // the batch's own in training
    return training ? Tensor::Empty({out_}, x.dtype(), x.device()) : Cast(running.value(), x.dtype()).value();
  };
  const Tensor mean = statistics(norm_.running_mean), variance = statistics(norm_.running_var);
  Tensor y = Tensor::Empty({x.dim(0), x.dim(1), 3, out_}, x.dtype(), x.device());
  const Tensor choice =
      neighbours.defined() ? Tensor::Empty({x.dim(0), x.dim(1), out_}, DType::kU8, x.device()) : Tensor();
  const auto input = [=]<class T>(std::type_identity<T>, const Tensor& x, const Tensor& context) {
    return kernels::VectorNeuronInput<T>{x.data<T>(), context.defined() ? context.data<T>() : nullptr,
                                         neighbours.defined() ? neighbours.data<int32_t>() : nullptr};
  };
  const auto parameters = [=]<class T>(std::type_identity<T>, const Tensor& feature, const Tensor& direction,
                                       const Tensor& weight, const Tensor& bias) {
    return kernels::VectorNeuronParameters<T>{
        feature.data<std::remove_const_t<T>>(), direction.data<std::remove_const_t<T>>(),
        weight.data<std::remove_const_t<T>>(), bias.data<std::remove_const_t<T>>()};
  };
  const Tensor context_value = context.defined() ? context.value() : Tensor();
  Dispatch("VNLayer", y, [&]<class T>(auto device, std::type_identity<T> type) {
    const auto in = input(type, x.value(), context_value);
    if (training) {
      Check(shape.rows() > 1, "BatchNorm needs more than one row in training");
      kernels::VectorNeuronStatistics(device, shape, feature.value().data<T>(), in, mean.data<T>(), variance.data<T>());
    }
    kernels::VectorNeuronForward(
        device, shape,
        parameters(std::type_identity<const T>{}, feature.value(), direction.value(), weight.value(), bias.value()),
        {mean.data<T>(), variance.data<T>(), T(kEps), training}, pool.defined() ? pool.value().data<T>() : nullptr, in,
        y.data<T>(), choice.defined() ? choice.data<uint8_t>() : nullptr);
  });
  if (training) norm_.Move(mean, variance, shape.rows());
  return MakeVariable("VNLayer", y, {x, context, feature, direction, weight, bias},
                      [=, x = x.value(), feature = feature.value(), direction = direction.value(),
                       weight = weight.value(), bias = bias.value()](const Gradients& gradients) {
                        const Tensor dx = gradients.Needs(0) ? Tensor::EmptyLike(x) : Tensor();
                        const Tensor dcontext = context_value.defined() ? Tensor::EmptyLike(context_value) : Tensor();
                        const Tensor dfeature = Tensor::EmptyLike(feature), ddirection = Tensor::EmptyLike(direction);
                        const Tensor dweight = Tensor::EmptyLike(weight), dbias = Tensor::EmptyLike(bias);
                        Dispatch("VNLayer", x, [&]<class T>(auto device, std::type_identity<T> type) {
                          kernels::VectorNeuronBackward(
                              device, shape,
                              parameters(std::type_identity<const T>{}, feature, direction, weight, bias),
                              {mean.data<T>(), variance.data<T>(), T(kEps), training}, input(type, x, context_value),
                              choice.defined() ? choice.data<uint8_t>() : nullptr, gradients.output().data<T>(),
                              dx.defined() ? dx.data<T>() : nullptr, dcontext.defined() ? dcontext.data<T>() : nullptr,
                              parameters(type, dfeature, ddirection, dweight, dbias));
                        });
                        if (dx.defined()) gradients.Add(0, dx);
                        if (dcontext.defined()) gradients.Add(1, dcontext);
                        gradients.Add(2, dfeature);
                        gradients.Add(3, ddirection);
                        gradients.Add(4, dweight);
                        gradients.Add(5, dbias);
                      });
}

VNMaxPool::VNMaxPool(int64_t channels, Generator& generator)
    : direction(AddParameter("map_to_dir.weight", LinearWeight(channels, channels, generator))) {}

Variable VNMaxPool::operator()(const Variable& x) const {
  const int64_t graphs = x.dim(0), n = x.dim(1), channels = x.dim(3);
  Check(n >= 1, "VNMaxPool of no points");
  Tensor y = Tensor::Empty({graphs, 3, channels}, x.dtype(), x.device());
  const Tensor choice = Tensor::Empty({graphs, channels}, DType::kI32, x.device());
  Tensor directions;
  {
    const NoGrad no_grad;  // the choice is piecewise constant
    directions = Linear(x, Cast(direction, x.dtype())).value();
  }
  Dispatch("VNMaxPool", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::VectorMaxPool(device, graphs, n, channels, x.value().data<T>(), directions.data<T>(), y.data<T>(),
                           choice.data<int32_t>());
  });
  return MakeVariable("VNMaxPool", y, {x}, [=, shape = x.shape()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::Empty(shape, dy.dtype(), dy.device());
    Dispatch("VNMaxPool", dy, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::VectorMaxPoolBackward(device, graphs, n, channels, choice.data<int32_t>(), dy.data<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

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
      Linear(std_feature_.vn2(std_feature_.vn1(local, mean)), parameter(std_feature_.linear));  // a frame a point
  const Variable h = Concat({local, BroadcastTo(Reshape(mean, {graphs, 1, 3, local.dim(3)}), local.shape())}, -1);

  // The head sees, of the invariants of h, the largest over the points, beside the invariants of x12. Its weight
  // numbers them by channel, then vector of the frame.
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
