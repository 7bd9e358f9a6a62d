#include "models/vector_neurons.h"

#include <algorithm>

#include "engine/dispatch.h"
#include "engine/nn/init.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/rotation.h"
#include "kernels/nearest_neighbours.h"
#include "kernels/vector_neurons.h"

namespace orbit {
namespace {

constexpr double kMomentum = 0.1;  // of BatchNorm's running statistics
constexpr double kEps = 1e-5;      // of BatchNorm

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
  const Variable y = RotateInverse(Reshape(z, {graphs * n, 1, 3, 3}), Reshape(h, {graphs * n, 1, 3, channels}));
  return Reshape(y, {graphs, n, 3 * channels});
}

}  // namespace

VNLayer::Norm::Norm(int64_t channels)
    : weight(AddParameter("bn.weight", Tensor::Full({channels}, 1))),
      bias(AddParameter("bn.bias", Tensor::Zeros({channels}))),
      running_mean(AddBuffer("bn.running_mean", Tensor::Zeros({channels}))),
      running_var(AddBuffer("bn.running_var", Tensor::Full({channels}, 1))) {}

VNLayer::VNLayer(int64_t in, int64_t out, bool shared_direction, Generator& generator)
    : out_(out),
      shared_direction_(shared_direction),
      feature_(AddParameter("map_to_feat.weight", LinearWeight(in, out, generator))),
      direction_(AddParameter("map_to_dir.weight", LinearWeight(in, shared_direction ? 1 : out, generator))),
      norm_(out) {
  AddModule("batchnorm", norm_);
}

Variable VNLayer::operator()(const Variable& x) const {
  return Activate(Linear(x, Concat({feature_, direction_}, 0)), 0, {});
}

Variable VNLayer::OnEdges(const Variable& x, int64_t k) const {
  // W (y - x, x) = A y + (B - A) x with W = (A, B): products with points, not with edges.
  const int64_t channels = x.dim(3);
  const auto parts = [&](const Variable& weight) {
    const Variable other = Slice(weight, 1, 0, channels);
    return std::vector<Variable>{other, Sub(Slice(weight, 1, channels, 2 * channels), other)};
  };
  std::vector<Variable> weights = parts(feature_);
  for (const Variable& part : parts(direction_)) weights.push_back(part);
  return Activate(Linear(x, Concat(weights, 0)), k, FindNeighbours(x.value(), k));
}

Variable VNLayer::Activate(const Variable& z, int64_t k, const Tensor& neighbours) const {
  const kernels::VectorNeuronShape shape{
      .graphs = z.dim(0), .n = z.dim(1), .k = k, .channels = out_, .shared_direction = shared_direction_};
  const bool training = this->training();
  Tensor mean = norm_.running_mean.value(), variance = norm_.running_var.value();
  const int32_t* index = k > 0 ? neighbours.data<int32_t>() : nullptr;
  if (training) {
    Check(shape.rows() > 1, "BatchNorm needs more than one row in training");
    mean = Tensor::EmptyLike(mean);
    variance = Tensor::EmptyLike(variance);
    Dispatch("VNLayer", z.value(), [&]<class T>(auto device, std::type_identity<T>) {
      kernels::VectorNeuronStatistics(device, shape, index, z.value().data<T>(), mean.data<T>(), variance.data<T>());
    });
    const NoGrad no_grad;
    const double rows = static_cast<double>(shape.rows());
    const auto update = [](const Variable& running, const Tensor& now, double factor) {
      running.value().CopyFrom(Add(Scale(running, 1 - kMomentum), Scale(Variable(now), kMomentum * factor)).value());
    };
    update(norm_.running_mean, mean, 1);
    update(norm_.running_var, variance, rows / (rows - 1));
  }
  Shape y_shape = {z.dim(0), z.dim(1)};
  if (k > 0) y_shape.push_back(k);
  y_shape.insert(y_shape.end(), {3, out_});
  Tensor y = Tensor::Empty(y_shape, z.dtype(), z.device());
  Dispatch("VNLayer", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::VectorNeuronForward(device, shape, index, z.value().data<T>(), norm_.weight.value().data<T>(),
                                 norm_.bias.value().data<T>(), mean.data<T>(), variance.data<T>(), T(kEps),
                                 y.data<T>());
  });
  return MakeVariable(
      "VNLayer", y, {z, norm_.weight, norm_.bias},
      [=, z = z.value(), weight = norm_.weight.value(), bias = norm_.bias.value()](const Gradients& gradients) {
        Tensor dz = Tensor::EmptyLike(z), dweight = Tensor::EmptyLike(weight), dbias = Tensor::EmptyLike(bias);
        Dispatch("VNLayer", z, [&]<class T>(auto device, std::type_identity<T>) {
          kernels::VectorNeuronBackward(device, shape, k > 0 ? neighbours.data<int32_t>() : nullptr, z.data<T>(),
                                        weight.data<T>(), bias.data<T>(), mean.data<T>(), variance.data<T>(), T(kEps),
                                        training, gradients.output().data<T>(), dz.data<T>(), dweight.data<T>(),
                                        dbias.data<T>());
        });
        gradients.Add(0, dz);
        gradients.Add(1, dweight);
        gradients.Add(2, dbias);
      });
}

VNMaxPool::VNMaxPool(int64_t channels, Generator& generator)
    : direction_(AddParameter("map_to_dir.weight", LinearWeight(channels, channels, generator))) {}

Variable VNMaxPool::operator()(const Variable& x) const {
  const int64_t m = x.dim(-3), channels = x.dim(-1), points = x.size() / (m * 3 * channels);
  Check(m >= 1 && m <= 256, "VNMaxPool is for 1 to 256 candidates, got ", m);
  Shape shape = x.shape();
  shape.erase(shape.end() - 3);
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  const Tensor choice = Tensor::Empty({points, channels}, DType::kU8, x.device());
  Tensor direction;
  {
    const NoGrad no_grad;  // the choice is piecewise constant
    direction = Linear(x, direction_).value();
  }
  Dispatch("VNMaxPool", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::VectorMaxPool(device, points, m, channels, x.value().data<T>(), direction.data<T>(), y.data<T>(),
                           choice.data<uint8_t>());
  });
  return MakeVariable("VNMaxPool", y, {x}, [=, shape = x.shape()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::Empty(shape, dy.dtype(), dy.device());
    Dispatch("VNMaxPool", dy, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::VectorMaxPoolBackward(device, points, m, channels, choice.data<uint8_t>(), dy.data<T>(), dx.data<T>());
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

VNDgcnn::Result VNDgcnn::operator()(const Variable& x, Generator& generator) const {
  const int64_t graphs = x.dim(0), n = x.dim(1);
  const Variable x1 = pool1_(conv1_.OnEdges(x, options_.neighbours));
  Variable x2 = pool2_(conv2_.OnEdges(x1, options_.neighbours));
  if (training()) x2 = Dropout(x2, options_.dropout, generator);
  const Variable x12 = Concat({x1, x2}, -1);
  const Variable local = conv3_(x12);
  const Variable h = Concat({local, BroadcastTo(Mean(local, {1}, /*keepdim=*/true), local.shape())}, -1);
  const Variable z = Linear(std_feature_.vn2(std_feature_.vn1(h)), std_feature_.linear);  // a frame a point

  // The head sees, of the invariants of h, the largest over the points, beside the invariants of x12. Its weight
  // numbers them by channel, then vector of the frame.
  const int64_t channels = h.dim(3);
  const auto weight_of = [&](int64_t part) {
    const Variable weight = Slice(head1_.weight, 1, part * 3 * channels, (part + 1) * 3 * channels);
    return Reshape(Permute(Reshape(weight, {1, channels, 3}), {0, 2, 1}), {1, 3 * channels});
  };
  const Variable global = Linear(Max(InFrames(h, z), 1), weight_of(0), head1_.bias);  // [graphs, 1]
  const Variable scores = Add(Reshape(Linear(InFrames(x12, z), weight_of(1)), {graphs, n}), global);
  return {scores, Linear(pool3_(x1), head2_)};
}

}  // namespace orbit
