#include "engine/ops/vector_neurons.h"

#include "engine/dispatch.h"
#include "engine/ops/linear.h"
#include "kernels/nearest_neighbours.h"
#include "kernels/vector_max_pool.h"
#include "kernels/vector_neurons.h"

namespace orbit {
namespace {

constexpr double kEps = 1e-5;  // of the normalisation

// The k nearest neighbours: x [graphs, n, 3, channels] -> i32 [graphs, n, k].
Tensor FindNeighbours(const Tensor& x, int64_t k) {
  Check(k >= 1 && k <= x.dim(1), "a cloud of ", x.dim(1), " points has no ", k, " neighbours");
  const Tensor index = Tensor::Empty({x.dim(0), x.dim(1), k}, DType::kI32, x.device());
  Dispatch("NearestNeighbours", x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::NearestNeighbours(device, x.dim(0), x.dim(1), x.dim(2) * x.dim(3), k, x.data<const T>(),
                               index.data<int32_t>());
  });
  return index;
}

// The arguments of the kernels.
struct Layer {
  kernels::VectorNeuronShape shape;
  Tensor x, context, neighbours, feature, direction, weight, bias;

  template <class T>
  kernels::VectorNeuronInput<T> input() const {
    return {x.data<const T>(), context.data_or_null<const T>(), neighbours.data_or_null<const int32_t>()};
  }
  template <class T>
  kernels::VectorNeuronParameters<T> parameters() const {
    return {feature.data<const T>(), direction.data<const T>(), weight.data<const T>(), bias.data<const T>()};
  }
};

// The moments of lengths over all rows, f64 [3, channels].
Tensor MomentsOf(const Layer& layer) {
  const Tensor moments = Tensor::Empty({3, layer.shape.channels}, DType::kF64, layer.x.device());
  Dispatch("VectorNeuronMoments", layer.x, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::VectorNeuronMoments(device, layer.shape, layer.feature.data<const T>(), layer.input<T>(),
                                 moments.data<double>());
  });
  return moments;
}

void Differentiate(const Layer& layer, const BatchStatistics& statistics, const Tensor& choice,
                   const Gradients& gradients) {
  const Tensor& dy = gradients.output();
  const auto like = [](const Tensor& value, bool wanted = true) {
    return wanted ? Tensor::EmptyLike(value) : Tensor();
  };
  const Tensor dx = like(layer.x, gradients.Needs(0)), dcontext = like(layer.context, gradients.Needs(1));
  const Tensor dfeature = like(layer.feature), ddirection = like(layer.direction);
  const Tensor dweight = like(layer.weight), dbias = like(layer.bias);
  const Tensor sums = Tensor::Empty({2, layer.shape.channels}, DType::kF64, dy.device());
  Dispatch("VectorNeurons", dy, [&]<class T>(auto device, std::type_identity<T>) {
    const auto parameters = layer.parameters<T>();
    const auto with = statistics.data<T>(kEps);
    const auto input = layer.input<T>();
    const uint8_t* chosen = choice.data_or_null<uint8_t>();
    kernels::VectorNeuronGradientSums(device, layer.shape, parameters, with, input, chosen, dy.data<T>(),
                                      sums.data<double>(), dweight.data<T>(), dbias.data<T>());
    statistics.AddOtherRanks(sums);
    kernels::VectorNeuronBackward(device, layer.shape, parameters, with, input, chosen, dy.data<T>(),
                                  sums.data<double>(), dx.data_or_null<T>(), dcontext.data_or_null<T>(),
                                  dfeature.data<T>(), ddirection.data<T>());
  });
  if (dx.defined()) gradients.Add(0, dx);
  if (dcontext.defined()) gradients.Add(1, dcontext);
  gradients.Add(2, dfeature);
  gradients.Add(3, ddirection);
  gradients.Add(4, dweight);
  gradients.Add(5, dbias);
}

Variable Apply(const Variable& x, const Variable& context, const Tensor& neighbours, const Tensor& pool,
               const VectorNeuronParameters& parameters, const RunningStatistics& running, bool training) {
  const Variable &feature = parameters.feature, &direction = parameters.direction;
  Check(x.rank() == 4 && x.dim(2) == 3, "VectorNeurons of ", x.value().Describe());
  const Layer layer = {.shape = {.graphs = x.dim(0),
                                 .n = x.dim(1),
                                 .in = x.dim(3),
                                 .channels = feature.dim(0),
                                 .context = context.defined() ? context.dim(2) : 0,
                                 .neighbours = neighbours.defined() ? neighbours.dim(2) : 0,
                                 .shared_direction = direction.dim(0) != feature.dim(0)},
                       .x = x.value(),
                       .context = context.defined() ? context.value() : Tensor(),
                       .neighbours = neighbours,
                       .feature = feature.value(),
                       .direction = direction.value(),
                       .weight = parameters.weight.value(),
                       .bias = parameters.bias.value()};
  const int64_t channels = layer.shape.channels, in = layer.shape.row_channels();
  Check(feature.shape() == Shape{channels, in} &&
            (direction.shape() == feature.shape() || direction.shape() == Shape{1, in}) &&
            layer.weight.shape() == Shape{channels} && layer.bias.shape() == Shape{channels},
        "VectorNeurons of ", x.value().Describe(), " with feature ", feature.value().Describe(), " and direction ",
        direction.value().Describe());
  if (training) CheckRowsForStatistics("VectorNeurons", layer.shape.rows());
  const BatchStatistics statistics =
      training ? StatisticsOfBatch(MomentsOf(layer), running, x.dtype()) : StatisticsOfRunning(running, x.dtype());
  Tensor y = Tensor::Empty({x.dim(0), x.dim(1), 3, channels}, x.dtype(), x.device());
  const Tensor choice =
      neighbours.defined() ? Tensor::Empty({x.dim(0), x.dim(1), channels}, DType::kU8, x.device()) : Tensor();
  Dispatch("VectorNeurons", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::VectorNeuronForward(device, layer.shape, layer.parameters<T>(), statistics.data<T>(kEps),
                                 pool.data_or_null<const T>(), layer.input<T>(), y.data<T>(),
                                 choice.data_or_null<uint8_t>());
  });
  return MakeVariable("VectorNeurons", y, {x, context, feature, direction, parameters.weight, parameters.bias},
                      [=](const Gradients& gradients) { Differentiate(layer, statistics, choice, gradients); });
}

}  // namespace

Variable VectorNeurons(const Variable& x, const Variable& context, const VectorNeuronParameters& parameters,
                       const RunningStatistics& running, bool training) {
  return Apply(x, context, {}, {}, parameters, running, training);
}

Variable VectorNeuronEdges(const Variable& x, int64_t k, const Variable& pool, const VectorNeuronParameters& parameters,
                           const RunningStatistics& running, bool training) {
  return Apply(x, {}, FindNeighbours(x.value(), k), pool.value(), parameters, running, training);
}

Variable VectorMaxPool(const Variable& x, const Variable& direction) {
  const int64_t graphs = x.dim(0), n = x.dim(1), channels = x.dim(3);
  Check(n >= 1, "VectorMaxPool of no points");
  Tensor y = Tensor::Empty({graphs, 3, channels}, x.dtype(), x.device());
  const Tensor choice = Tensor::Empty({graphs, channels}, DType::kI32, x.device());
  const Tensor directions = Linear(x.Detach(), direction.Detach()).value();  // the choice is piecewise constant
  Dispatch("VectorMaxPool", y, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::VectorMaxPool(device, graphs, n, channels, x.value().data<T>(), directions.data<T>(), y.data<T>(),
                           choice.data<int32_t>());
  });
  return MakeVariable("VectorMaxPool", y, {x}, [=, shape = x.shape()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    Tensor dx = Tensor::Empty(shape, dy.dtype(), dy.device());
    Dispatch("VectorMaxPool", dy, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::VectorMaxPoolBackward(device, graphs, n, channels, choice.data<int32_t>(), dy.data<T>(), dx.data<T>());
    });
    gradients.Add(0, dx);
  });
}

}  // namespace orbit
