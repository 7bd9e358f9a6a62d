#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector_neuron_activation.h"
#include "kernels/cuda/vector_neuron_sets.h"
#include "kernels/vector_neurons.h"

// A layer makes a few passes over the graphs, each of which recomputes the sets of their points (vector_neuron_sets.h).
// Forward has one pass for y and, in training, one for the statistics of the lengths. Backward has one for the sums
// that flow through the statistics and one for the gradients, in which all threads compute the products with the sets'
// gradients. Bytes: x once per pass, y or dx once, dy twice.
namespace orbit::kernels {
namespace {

// ---- Moments ----

template <class T>
__global__ void __launch_bounds__(kThreads) LengthSumsKernel(const __grid_constant__ Layer<T> layer, double* partial) {
  const Block<T> block(layer, 2 * layer.slots * layer.shape.channels);
  const int64_t width = layer.width();
  block.ClearSums();
  for (int64_t turn = blockIdx.x; turn < block.Turns(); turn += gridDim.x) {
    block.ComputeSets(turn, layer.shape.channels);
    block.ForEachChannel(turn, [&](int64_t graph, int64_t c) {
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < layer.shape.n; ++i) {
        const Spatial<T> own = Load(block.Second(block.own) + block.SecondOf(i) + c, width);
        for (int64_t e = 0; e < block.RowsOfPoint(); ++e) {
          const T m = LengthOf(Load(block.own + block.FirstOf(graph, i, e) + c, width) + own) + T(kEps);
          sum += static_cast<double>(m);
          squares += static_cast<double>(m) * static_cast<double>(m);
        }
      }
      block.Sum(0, c) += sum;
      block.Sum(1, c) += squares;
    });
  }
  block.WriteSums(partial);
}

// One of the two sums of channel c over all blocks. All lanes of a warp call it; lane 0 gets the sum.
__device__ double TotalOf(int blocks, int64_t channels, const double* partial, int which, int64_t c) {
  double sum = 0;
  for (int block = threadIdx.x % 32; block < blocks; block += 32) sum += partial[(2 * block + which) * channels + c];
  return WarpSum(sum);
}

__global__ void __launch_bounds__(kThreads)
    MomentsKernel(int blocks, int64_t channels, int64_t rows, const double* partial, double* moments) {
  const int64_t c = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (c >= channels) return;
  const double sum = TotalOf(blocks, channels, partial, 0, c), squares = TotalOf(blocks, channels, partial, 1, c);
  if (threadIdx.x % 32 > 0) return;
  const double mean = rows > 0 ? sum / static_cast<double>(rows) : 0;
  moments[c] = static_cast<double>(rows);
  moments[channels + c] = mean;
  moments[2 * channels + c] = max(0.0, squares - mean * sum);
}

// ---- Forward ----

template <class T>
__global__ void __launch_bounds__(kThreads) PointsKernel(const __grid_constant__ Layer<T> layer, T* y) {
  const Block<T> block(layer, 0);
  const int64_t width = layer.width(), channels = layer.shape.channels;
  for (int64_t turn = blockIdx.x; turn < block.Turns(); turn += gridDim.x) {
    block.ComputeSets(turn, width);
    block.ForEachChannel(turn, [&](int64_t graph, int64_t c) {
      const Affine<T> norm = layer.NormOf(c);
      const T* second = block.Second(block.own) + c;
      const Spatial<T> own_p = Load(second, width), own_d = Load(second + channels, width);
      for (int64_t i = 0; i < layer.shape.n; ++i) {
        const T* first = block.own + i * 3 * width + c;
        Store(Activate(Load(first, width) + own_p, Load(first + channels, width) + own_d, norm),
              y + (graph * layer.shape.n + i) * 3 * channels + c, channels);
      }
    });
  }
}

// The activations of a point's edges, [neighbours, 3, channels], are stored after the sets.
template <class T>
__global__ void __launch_bounds__(kThreads) EdgesKernel(const __grid_constant__ Layer<T> layer, T* y, uint8_t* choice) {
  const Block<T> block(layer, 0);
  const int64_t width = layer.width(), channels = layer.shape.channels, k = layer.shape.neighbours;
  T* edges = block.own + layer.sets_size();
  for (int64_t turn = blockIdx.x; turn < block.Turns(); turn += gridDim.x) {
    block.ComputeSets(turn, width);
    for (int64_t i = 0; i < layer.shape.n; ++i) {
      block.ForEachChannel(turn, [&](int64_t graph, int64_t c) {
        const Affine<T> norm = layer.NormOf(c);
        const T* second = block.Second(block.own) + block.SecondOf(i) + c;
        const Spatial<T> own_p = Load(second, width), own_d = Load(second + channels, width);
        for (int64_t e = 0; e < k; ++e) {
          const T* other = block.own + block.FirstOf(graph, i, e) + c;
          Store(Activate(Load(other, width) + own_p, Load(other + channels, width) + own_d, norm),
                edges + e * 3 * channels + c, channels);
        }
      });
      __syncthreads();  // all channels of the point's edges are stored
      block.ForEachChannel(turn, [&](int64_t graph, int64_t c) {
        const int64_t point = graph * layer.shape.n + i;
        T farthest = 0;
        int64_t chosen = 0;
        for (int64_t e = 0; e < k; ++e) {
          const T* edge = edges + e * 3 * channels;
          Spatial<T> direction = {};
          for (int64_t from = 0; from < channels; ++from)
            direction = direction + block.pool[from * channels + c] * Load(edge + from, channels);
          const T reach = Dot(Load(edge + c, channels), direction);
          if (e > 0 && !(reach > farthest)) continue;
          farthest = reach;
          chosen = e;
        }
        Store(Load(edges + chosen * 3 * channels + c, channels), y + point * 3 * channels + c, channels);
        choice[point * channels + c] = static_cast<uint8_t>(chosen);
      });
      __syncthreads();  // they have been read
    }
  }
}

// ---- Backward ----

// The gradient for channel c of point i; for edges, of the edge that the pooling chose.
template <class T>
__device__ ActivationGradient<T> GradientOfPoint(const Block<T>& block, int64_t graph, int64_t i, int64_t c,
                                                 int64_t chosen, const Affine<T>& norm, const T* dy) {
  const int64_t width = block.l.width(), channels = block.l.shape.channels;
  const T* other = block.own + block.FirstOf(graph, i, chosen) + c;
  const T* own = block.Second(block.own) + block.SecondOf(i) + c;
  return ActivateBackward(Load(other, width) + Load(own, width),
                          Load(other + channels, width) + Load(own + channels, width), norm,
                          Load(dy + (graph * block.l.shape.n + i) * 3 * channels + c, channels));
}

template <class T>
__device__ int64_t ChoiceAt(const Layer<T>& layer, const uint8_t* choice, int64_t graph, int64_t i, int64_t c) {
  return choice ? choice[(graph * layer.shape.n + i) * layer.shape.channels + c] : 0;
}

// Sums, per channel, the gradient of b = BatchNorm(m) and that gradient times (m - mean).
template <class T>
__global__ void __launch_bounds__(kThreads)
    GradientSumsKernel(const __grid_constant__ Layer<T> layer, const uint8_t* choice, const T* dy, double* partial) {
  const Block<T> block(layer, 2 * layer.slots * layer.shape.channels);
  block.ClearSums();
  for (int64_t turn = blockIdx.x; turn < block.Turns(); turn += gridDim.x) {
    block.ComputeSets(turn, layer.width());
    block.ForEachChannel(turn, [&](int64_t graph, int64_t c) {
      const Affine<T> norm = layer.NormOf(c);
      double sum = 0, product = 0;
      for (int64_t i = 0; i < layer.shape.n; ++i) {
        const ActivationGradient<T> gradient =
            GradientOfPoint(block, graph, i, c, ChoiceAt(layer, choice, graph, i, c), norm, dy);
        sum += static_cast<double>(gradient.db);
        product += static_cast<double>(gradient.db) * static_cast<double>(gradient.m - norm.mean);
      }
      block.Sum(0, c) += sum;
      block.Sum(1, c) += product;
    });
  }
  block.WriteSums(partial);
}

template <class T>
__device__ double PrecisionOf(const BatchStatistics<T>& statistics, int64_t c) {
  return 1 / (static_cast<double>(statistics.variance[c]) + static_cast<double>(statistics.eps));
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    NormGradientKernel(int blocks, int64_t channels, const double* partial, BatchStatistics<T> statistics, double* sums,
                       T* dweight, T* dbias) {
  const int64_t c = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (c >= channels) return;
  const double sum = TotalOf(blocks, channels, partial, 0, c), product = TotalOf(blocks, channels, partial, 1, c);
  if (threadIdx.x % 32 > 0) return;
  sums[c] = sum;
  sums[channels + c] = product;
  dbias[c] = static_cast<T>(sum);
  dweight[c] = static_cast<T>(product * sqrt(PrecisionOf(statistics, c)));
}

// The gradients of the sets are stored after the sets. of_weights [blocks, in + second_in, width] receives each block's
// part.
template <class T>
__global__ void __launch_bounds__(kThreads)
    BackwardKernel(const __grid_constant__ Layer<T> layer, const uint8_t* choice, const T* dy, const double* sums,
                   T* dx, T* dcontext, T* of_weights) {
  const Block<T> block(layer, 0);
  const int64_t width = layer.width(), channels = layer.shape.channels, n = layer.shape.n, in = layer.shape.in;
  const int64_t second_in = layer.second_in(), second_points = layer.second_points();
  const auto gradients = [&](int s) { return block.Work(s) + layer.sets_size(); };
  of_weights += blockIdx.x * (in + second_in) * width;
  for (int64_t i = threadIdx.x; i < (in + second_in) * width; i += kThreads) of_weights[i] = 0;
  for (int64_t turn = blockIdx.x; turn < block.Turns(); turn += gridDim.x) {
    block.ComputeSets(turn, width);
    block.ForEachChannel(turn, [&](int64_t graph, int64_t c) {
      const Affine<T> norm = layer.NormOf(c);
      // The mean and the variance pass a gradient to every row.
      const BatchStatistics<T>& statistics = layer.statistics;
      const double per_row = statistics.count ? 1 / *statistics.count : 0;
      const T shift = static_cast<T>(sums[c] * per_row);
      const T slope = static_cast<T>(sums[channels + c] * PrecisionOf(statistics, c) * per_row);
      T *first = gradients(block.slot) + c, *second = block.Second(first);
      for (int64_t row = 0; row < (n + second_points) * 3; ++row)
        first[row * width] = first[row * width + channels] = 0;
      for (int64_t i = 0; i < n; ++i) {
        const int64_t chosen = ChoiceAt(layer, choice, graph, i, c), own = block.SecondOf(i);
        const ActivationGradient<T> gradient = GradientOfPoint(block, graph, i, c, chosen, norm, dy);
        const Spatial<T> own_p = Load(block.Second(block.own) + own + c, width);
        Spatial<T> own_dp = {};
        for (int64_t e = 0; e < block.RowsOfPoint(); ++e) {
          const int64_t other = block.FirstOf(graph, i, e);
          const Spatial<T> p = Load(block.own + other + c, width) + own_p;
          const T length = LengthOf(p);
          const T of_norm = (length + T(kEps) - norm.mean) * slope + shift;
          Spatial<T> dp = (-norm.scale * of_norm * InverseOf(length)) * p;
          if (e == chosen) {
            dp = dp + gradient.dp;
            Add(gradient.dd, first + other + channels, width);
          }
          Add(dp, first + other, width);
          own_dp = own_dp + dp;
        }
        Add(own_dp, second + own, width);
        Add(gradient.dd, second + own + channels, width);
      }
    });
    __syncthreads();  // the gradients of all sets are complete

    const int graphs = static_cast<int>(min(int64_t{layer.slots}, layer.shape.graphs - turn * layer.slots));
    for (int64_t item = threadIdx.x; item < (in + second_in) * width; item += kThreads) {
      const bool is_second = item >= in * width;
      const int64_t j = item % width, inputs = is_second ? second_in : in, i = item / width - (is_second ? in : 0);
      T sum = 0;
      for (int s = 0; s < graphs; ++s) {
        const int64_t graph = turn * layer.slots + s;
        const T* x = (is_second ? block.SecondInput(graph) : block.FirstInput(graph)) + i;
        const T* dz = (is_second ? block.Second(gradients(s)) : gradients(s)) + j;
        for (int64_t row = 0; row < (is_second ? second_points : n) * 3; ++row)
          sum += x[row * inputs] * dz[row * width];
      }
      of_weights[item] += sum;
    }
    for (int64_t item = threadIdx.x; dx && item < graphs * n * 3 * in; item += kThreads) {
      const int64_t i = item % in, row = item / in % (n * 3), s = item / (in * n * 3);
      const T* first = gradients(static_cast<int>(s)) + row * width;
      const T* second = block.Second(gradients(static_cast<int>(s))) + row * width;
      T sum = 0;
      for (int64_t j = 0; j < width; ++j) sum += first[j] * block.weights[i * width + j];
      for (int64_t j = 0; layer.edges() && j < width; ++j) sum += second[j] * block.second_weights[i * width + j];
      dx[turn * layer.slots * n * 3 * in + item] = sum;
    }
    for (int64_t item = threadIdx.x; dcontext && item < graphs * 3 * second_in; item += kThreads) {
      const int64_t i = item % second_in, row = item / second_in % 3, s = item / (second_in * 3);
      const T* second = block.Second(gradients(static_cast<int>(s))) + row * width;
      T sum = 0;
      for (int64_t j = 0; j < width; ++j) sum += second[j] * block.second_weights[i * width + j];
      dcontext[turn * layer.slots * 3 * second_in + item] = sum;
    }
  }
}

// Adds the blocks' parts [in + second_in, width]; a thread per element.
template <class T>
__global__ void __launch_bounds__(kThreads) AddBlocksKernel(int blocks, int64_t size, const T* partial, T* sums) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  T sum = 0;
#pragma unroll 8
  for (int block = 0; block < blocks; ++block) sum += partial[block * size + i];
  sums[i] = sum;
}

// The gradients of feature and direction from those of the right factors; a thread per element of feature or direction.
template <class T>
__global__ void __launch_bounds__(kThreads)
    WeightGradientKernel(VectorNeuronShape shape, const T* sums, T* dfeature, T* ddirection) {
  const int64_t channels = shape.channels, width = 2 * channels, row = shape.row_channels();
  const int64_t directions = shape.shared_direction ? 1 : channels;
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= (channels + directions) * row) return;
  const bool is_feature = at < channels * row;
  const int64_t c = at / row - (is_feature ? 0 : channels), i = at % row;
  const bool shared = !is_feature && shape.shared_direction;
  T sum = 0;
  for (int64_t column = shared ? 0 : c; column <= (shared ? channels - 1 : c); ++column) {
    const int64_t j = column + (is_feature ? 0 : channels);
    sum += sums[i * width + j];
    if (shape.neighbours > 0 && i < shape.in) sum -= sums[(shape.in + i) * width + j];
  }
  (is_feature ? dfeature : ddirection)[c * row + i] = sum;
}

// ---- Launchers ----

dim3 WarpsFor(int64_t channels) { return dim3(DivideUp<int64_t>(channels, kWarps)); }

}  // namespace

template <class Device, class T>
void VectorNeuronMoments(Device gpu, const VectorNeuronShape& shape, const T* feature,
                         const VectorNeuronInput<T>& input, double* moments) {
  if (shape.channels == 0) return;
  WithWork(gpu, PlanFor(shape, input, false, 0, 1, true), [&](Plan<T> plan) {
    const Scratch<T> weights = Prepare<T>(gpu, plan.layer, feature, nullptr, nullptr);
    plan.layer.weights = weights.data();
    const Scratch<double> partial(gpu, plan.blocks * 2 * shape.channels);
    Launch("VectorNeuronMoments", gpu, dim3(plan.blocks), dim3(kThreads), plan.shared_bytes, LengthSumsKernel<T>,
           plan.layer, partial.data());
    Launch("VectorNeuronMoments", gpu, WarpsFor(shape.channels), dim3(kThreads), 0, MomentsKernel, plan.blocks,
           shape.channels, shape.rows(), partial.data(), moments);
  });
}

template <class Device, class T>
void VectorNeuronForward(Device gpu, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                         const BatchStatistics<T>& statistics, const T* pool, const VectorNeuronInput<T>& input, T* y,
                         uint8_t* choice) {
  if (shape.graphs * shape.n * shape.channels == 0) return;
  const bool edges = shape.neighbours > 0;
  WithWork(gpu, PlanFor(shape, input, edges, edges ? shape.neighbours * 3 * shape.channels : 0, 1, false),
           [&](Plan<T> plan) {
             const Scratch<T> weights = Prepare<T>(gpu, plan.layer, parameters.feature, parameters.direction, pool);
             plan.layer.weights = weights.data();
             SetNorm(parameters, statistics, plan.layer);
             if (edges)
               Launch("VectorNeuronForward", gpu, dim3(plan.blocks), dim3(kThreads), plan.shared_bytes, EdgesKernel<T>,
                      plan.layer, y, choice);
             else
               Launch("VectorNeuronForward", gpu, dim3(plan.blocks), dim3(kThreads), plan.shared_bytes, PointsKernel<T>,
                      plan.layer, y);
           });
}

template <class Device, class T>
void VectorNeuronGradientSums(Device gpu, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                              const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input,
                              const uint8_t* choice, const T* dy, double* sums, T* dweight, T* dbias) {
  if (shape.channels == 0) return;
  WithWork(gpu, PlanFor(shape, input, false, 0, 1, true), [&](Plan<T> plan) {
    const Scratch<T> weights = Prepare<T>(gpu, plan.layer, parameters.feature, parameters.direction, nullptr);
    plan.layer.weights = weights.data();
    SetNorm(parameters, statistics, plan.layer);
    const Scratch<double> partial(gpu, plan.blocks * 2 * shape.channels);
    Launch("VectorNeuronGradientSums", gpu, dim3(plan.blocks), dim3(kThreads), plan.shared_bytes, GradientSumsKernel<T>,
           plan.layer, choice, dy, partial.data());
    Launch("VectorNeuronGradientSums", gpu, WarpsFor(shape.channels), dim3(kThreads), 0, NormGradientKernel<T>,
           plan.blocks, shape.channels, partial.data(), statistics, sums, dweight, dbias);
  });
}

template <class Device, class T>
void VectorNeuronBackward(Device gpu, const VectorNeuronShape& shape, const VectorNeuronParameters<T>& parameters,
                          const BatchStatistics<T>& statistics, const VectorNeuronInput<T>& input,
                          const uint8_t* choice, const T* dy, const double* sums, T* dx, T* dcontext, T* dfeature,
                          T* ddirection) {
  const int64_t channels = shape.channels;
  if (channels == 0) return;
  WithWork(gpu, PlanFor(shape, input, false, 0, 2, false), [&](Plan<T> plan) {
    const Scratch<T> weights = Prepare<T>(gpu, plan.layer, parameters.feature, parameters.direction, nullptr);
    plan.layer.weights = weights.data();
    SetNorm(parameters, statistics, plan.layer);
    const int64_t size = (shape.in + plan.layer.second_in()) * 2 * channels;
    const Scratch<T> of_blocks(gpu, plan.blocks * size), of_weights(gpu, size);
    Launch("VectorNeuronBackward", gpu, dim3(plan.blocks), dim3(kThreads), plan.shared_bytes, BackwardKernel<T>,
           plan.layer, choice, dy, sums, dx, dcontext, of_blocks.data());
    if (size == 0) return;
    Launch("VectorNeuronBackward", gpu, dim3(DivideUp<int64_t>(size, kThreads)), dim3(kThreads), 0, AddBlocksKernel<T>,
           plan.blocks, size, of_blocks.data(), of_weights.data());
    Launch("VectorNeuronBackward", gpu, dim3(DivideUp<int64_t>(2 * channels * shape.row_channels(), kThreads)),
           dim3(kThreads), 0, WeightGradientKernel<T>, shape, of_weights.data(), dfeature, ddirection);
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void VectorNeuronMoments(Gpu, const VectorNeuronShape&, const T*, const VectorNeuronInput<T>&, double*);    \
  template void VectorNeuronForward(Gpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,                   \
                                    const BatchStatistics<T>&, const T*, const VectorNeuronInput<T>&, T*, uint8_t*);   \
  template void VectorNeuronGradientSums(Gpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,              \
                                         const BatchStatistics<T>&, const VectorNeuronInput<T>&, const uint8_t*,       \
                                         const T*, double*, T*, T*);                                                   \
  template void VectorNeuronBackward(Gpu, const VectorNeuronShape&, const VectorNeuronParameters<T>&,                  \
                                     const BatchStatistics<T>&, const VectorNeuronInput<T>&, const uint8_t*, const T*, \
                                     const double*, T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
