// Layers of vector neurons on a GPU agree with the host, forward and backward: points with and without context, edges
// with their pooling, shared directions or one per channel, channels that fill a warp or do not, graphs that fit on
// chip or do not, and more graphs than there are blocks.
#include "kernels/vector_neurons.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(const VectorNeuronShape& shape, bool training, bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << shape.graphs << " graphs of " << shape.n << ", " << shape.in << " to "
                                  << shape.channels << " channels, context " << shape.context << ", neighbours "
                                  << shape.neighbours << ", shared direction " << shape.shared_direction);
  SetNumThreads(1);
  const bool edges = shape.neighbours > 0;
  const int64_t points = shape.graphs * shape.n, channels = shape.channels, row = shape.row_channels(),
                directions = shape.shared_direction ? 1 : channels;
  std::mt19937_64 random(1);
  std::vector<int32_t> neighbours(points * shape.neighbours);
  for (int32_t& neighbour : neighbours) neighbour = static_cast<int32_t>(random() % shape.n);
  const std::vector<T> x = Normal<T>(points * 3 * shape.in, 1),
                       context = Normal<T>(shape.graphs * 3 * shape.context, 2), feature = Normal<T>(channels * row, 3),
                       direction = Normal<T>(directions * row, 4), weight = Normal<T>(channels, 5),
                       bias = Normal<T>(channels, 6), pool = Normal<T>(channels * channels, 7),
                       dy = Normal<T>(points * 3 * channels, 8);
  const VectorNeuronParameters<T> parameters = {feature.data(), direction.data(), weight.data(), bias.data()};
  const VectorNeuronInput<T> input = {x.data(), shape.context ? context.data() : nullptr,
                                      edges ? neighbours.data() : nullptr};
  const T eps = T(1e-5);
  std::vector<double> moments(3 * channels), count(1), sums(2 * channels);
  std::vector<T> mean(channels, T(0)), variance(channels, T(1)), y(dy.size()), dx(x.size()), dcontext(context.size()),
      dfeature(feature.size()), ddirection(direction.size()), dweight(channels), dbias(channels);
  std::vector<uint8_t> choice(edges ? points * channels : 0);
  VectorNeuronMoments(Cpu(), shape, feature.data(), input, moments.data());
  for (int64_t c = 0; points > 0 && c < channels; ++c) {
    count[0] = moments[c];
    mean[c] = T(moments[channels + c]);
    variance[c] = T(moments[2 * channels + c] / moments[c]);
  }
  const BatchStatistics<T> statistics = {mean.data(), variance.data(), eps, training ? count.data() : nullptr};
  VectorNeuronForward(Cpu(), shape, parameters, statistics, edges ? pool.data() : nullptr, input, y.data(),
                      edges ? choice.data() : nullptr);
  VectorNeuronGradientSums(Cpu(), shape, parameters, statistics, input, edges ? choice.data() : nullptr, dy.data(),
                           sums.data(), dweight.data(), dbias.data());
  VectorNeuronBackward(Cpu(), shape, parameters, statistics, input, edges ? choice.data() : nullptr, dy.data(),
                       sums.data(), dx.data(), shape.context ? dcontext.data() : nullptr, dfeature.data(),
                       ddirection.data());

  const OnGpu<T> on_x(x), on_context(context), on_feature(feature), on_direction(direction), on_weight(weight),
      on_bias(bias), on_pool(pool), on_dy(dy), same_mean(mean), same_variance(variance);
  const OnGpu<double> same_count(count);
  const OnGpu<int32_t> on_neighbours(neighbours);
  const OnGpu<uint8_t> same_choice(choice);
  const VectorNeuronParameters<T> on_parameters = {on_feature.data(), on_direction.data(), on_weight.data(),
                                                   on_bias.data()};
  const VectorNeuronInput<T> on_input = {on_x.data(), shape.context ? on_context.data() : nullptr,
                                         edges ? on_neighbours.data() : nullptr};
  const BatchStatistics<T> on_statistics = {same_mean.data(), same_variance.data(), eps,
                                            training ? same_count.data() : nullptr};
  const T* dy_there = on_dy.data();
  const double tolerance = sizeof(T) == 4 ? 2e-3 : 1e-9;
  const auto compare = [&] {
    const OnGpu<double> on_moments(moments.size()), on_sums(sums.size());
    const OnGpu<T> on_y(y.size()), on_dx(dx.size()), on_dcontext(dcontext.size()), on_dfeature(dfeature.size()),
        on_ddirection(ddirection.size()), on_dweight(channels), on_dbias(channels);
    const OnGpu<uint8_t> on_choice(choice.size());
    VectorNeuronMoments(Gpu(), shape, static_cast<const T*>(on_feature.data()), on_input, on_moments.data());
    ExpectNear(moments, on_moments.Get(), tolerance, "moments");
    VectorNeuronForward(Gpu(), shape, on_parameters, on_statistics,
                        static_cast<const T*>(edges ? on_pool.data() : nullptr), on_input, on_y.data(),
                        edges ? on_choice.data() : nullptr);
    if (sizeof(T) == 8) {
      EXPECT_EQ(choice, on_choice.Get());
    }
    if (sizeof(T) == 8 || !edges) ExpectNear(y, on_y.Get(), tolerance, "y");
    const uint8_t* its_choice = edges ? same_choice.data() : nullptr;
    VectorNeuronGradientSums(Gpu(), shape, on_parameters, on_statistics, on_input, its_choice, dy_there, on_sums.data(),
                             on_dweight.data(), on_dbias.data());
    VectorNeuronBackward(Gpu(), shape, on_parameters, on_statistics, on_input, its_choice, dy_there,
                         static_cast<const double*>(on_sums.data()), on_dx.data(),
                         shape.context ? on_dcontext.data() : nullptr, on_dfeature.data(), on_ddirection.data());
    ExpectNear(dx, on_dx.Get(), tolerance, "dx");
    ExpectNear(dcontext, on_dcontext.Get(), tolerance, "dcontext");
    ExpectNear(dfeature, on_dfeature.Get(), 10 * tolerance, "dfeature");
    ExpectNear(ddirection, on_ddirection.Get(), 10 * tolerance, "ddirection");
    ExpectNear(dweight, on_dweight.Get(), 10 * tolerance, "dweight");
    ExpectNear(dbias, on_dbias.Get(), 10 * tolerance, "dbias");
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(VectorNeurons, Points) {
  CompareWithHost<double>({.graphs = 7, .n = 5, .in = 3, .channels = 21}, true);
  CompareWithHost<double>({.graphs = 2, .n = 4, .in = 2, .channels = 3, .context = 5}, false);
  CompareWithHost<double>({.graphs = 3, .n = 1, .in = 1, .channels = 1, .context = 1, .shared_direction = true}, true);
  CompareWithHost<float>({.graphs = 5, .n = 5, .in = 4, .channels = 33, .context = 2}, true);
}

TEST(VectorNeurons, Edges) {
  CompareWithHost<double>({.graphs = 6, .n = 5, .in = 2, .channels = 21, .neighbours = 4}, true);
  CompareWithHost<double>({.graphs = 1, .n = 31, .in = 3, .channels = 5, .neighbours = 7}, false);
  CompareWithHost<double>({.graphs = 2, .n = 3, .in = 4, .channels = 130, .neighbours = 2}, true, false);
  CompareWithHost<float>({.graphs = 4, .n = 5, .in = 3, .channels = 7, .neighbours = 4, .shared_direction = true},
                         true);
}

TEST(VectorNeurons, GraphsThatDoNotFitOnChip) {
  CompareWithHost<double>({.graphs = 2, .n = 90, .in = 2, .channels = 40, .neighbours = 2}, true, false);
}

TEST(VectorNeurons, MoreGraphsThanBlocks) {
  CompareWithHost<double>({.graphs = 1030, .n = 1, .in = 1, .channels = 65}, true);
}

TEST(VectorNeurons, NoGraphs) { CompareWithHost<double>({.graphs = 0, .n = 5, .in = 2, .channels = 3}, false, false); }

}  // namespace
}  // namespace orbit::kernels
