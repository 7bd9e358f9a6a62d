// Shared by the passes of vector_neurons.cu over the graphs: the sets of points that a block computes, and its plan.
//
// A row's feature is a sum of two linear maps of points: p = p'(one point) + p"(another point, or the context), and
// likewise d; see kernels/vector_neurons.h. The weights are prepared once, as right factors of x: [in, width] and
// [second_in, width] with width = 2 channels, the weights of p' and d' side by side; a shared direction is repeated for
// all channels. Every block keeps them in shared memory.
//
// A block processes `slots` graphs at a time. First all threads compute the sets of the graphs' points, [n, 3, width]
// for (p', d') and [n or 1, 3, width] for (p", d"), into shared memory. Then each thread takes one channel of one graph
// and goes through the graph's rows in order, so that sums over rows need no atomics and have a fixed order. The sets
// of graphs too large for shared memory are in scratch memory.
#ifndef ORBIT_KERNELS_CUDA_VECTOR_NEURON_SETS_H_
#define ORBIT_KERNELS_CUDA_VECTOR_NEURON_SETS_H_

#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/vector_neuron_activation.h"
#include "kernels/vector_neurons.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr int kMostBlocks = 1024;
constexpr size_t kSharedBytes = 100 << 10;  // allows two blocks per multiprocessor
constexpr size_t kAlignment = 16;

template <class T>
struct Layer {
  VectorNeuronShape shape;
  VectorNeuronInput<T> input;
  const T* weights;  // right factors [in + second_in, width]; with a pool, then its transpose [channels, channels]
  const T *norm_weight, *norm_bias;
  BatchStatistics<T> statistics;
  T* work;  // for all blocks; null: in shared memory
  int slots, lanes;
  bool weights_in_shared, with_pool;
  int64_t work_size;  // elements per graph

  __host__ __device__ bool edges() const { return shape.neighbours > 0; }
  __host__ __device__ int64_t width() const { return 2 * shape.channels; }
  __host__ __device__ int64_t second_in() const { return edges() ? shape.in : shape.context; }
  __host__ __device__ int64_t second_points() const { return edges() ? shape.n : 1; }
  __host__ __device__ int64_t weights_size() const {
    return (shape.in + second_in()) * width() + (with_pool ? shape.channels * shape.channels : 0);
  }
  __host__ __device__ int64_t sets_size() const { return (shape.n + second_points()) * 3 * width(); }

  __device__ Affine<T> NormOf(int64_t c) const {
    return {norm_weight[c] / sqrt(statistics.variance[c] + statistics.eps), statistics.mean[c], norm_bias[c]};
  }
};

template <class T>
struct Block {
  // `extra` doubles precede all else in shared memory. What the constructor and ClearSums write is visible to all
  // threads after the first barrier of ComputeSets, with which every turn begins.
  __device__ Block(const Layer<T>& layer, int64_t extra) : l(layer) {
    sums = DynamicShared<double>();
    T* shared = reinterpret_cast<T*>(sums + DivideUp<int64_t>(extra, 2) * 2);
    weights = l.weights;
    if (l.weights_in_shared) {
      for (int64_t i = threadIdx.x; i < l.weights_size(); i += kThreads) shared[i] = l.weights[i];
      weights = shared;
      shared += DivideUp<int64_t>(l.weights_size(), kAlignment) * kAlignment;
    }
    second_weights = weights + l.shape.in * l.width();
    pool = second_weights + l.second_in() * l.width();
    work = l.work ? l.work + int64_t{blockIdx.x} * l.slots * l.work_size : shared;
    slot = threadIdx.x / l.lanes;
    lane = threadIdx.x % l.lanes;
    own = work + slot * l.work_size;
  }

  // Turn t processes the graphs t slots .. t slots + slots - 1. A block takes every gridDim.x-th turn.
  __device__ int64_t Turns() const { return DivideUp<int64_t>(l.shape.graphs, l.slots); }

  __device__ T* Second(T* first) const { return first + l.shape.n * 3 * l.width(); }
  __device__ T* Work(int s) const { return work + s * l.work_size; }

  // (p', d') of point i is row i of the first sets, and so on. The offsets that row e of point i reads:
  __device__ int64_t FirstOf(int64_t graph, int64_t i, int64_t e) const {
    const int64_t k = l.shape.neighbours;
    return (k > 0 ? l.input.neighbours[(graph * l.shape.n + i) * k + e] : i) * 3 * l.width();
  }
  __device__ int64_t SecondOf(int64_t i) const { return l.edges() ? i * 3 * l.width() : 0; }
  __device__ int64_t RowsOfPoint() const { return l.edges() ? l.shape.neighbours : 1; }

  __device__ const T* FirstInput(int64_t graph) const { return l.input.x + graph * l.shape.n * 3 * l.shape.in; }
  __device__ const T* SecondInput(int64_t graph) const {
    return l.edges() ? FirstInput(graph) : l.input.context + graph * 3 * l.second_in();
  }

  // Computes the first `columns` columns of [points, 3, width] = x [points, 3, in] * weights, for every graph of the
  // turn.
  __device__ void Multiply(int64_t turn, int64_t points, int64_t in, int64_t columns, bool second) const {
    const T* factor = second ? second_weights : weights;
    for (int64_t item = threadIdx.x; item < l.slots * points * columns; item += kThreads) {
      const int64_t j = item % columns, point = item / columns % points, s = item / (columns * points);
      const int64_t graph = turn * l.slots + s;
      if (graph >= l.shape.graphs) continue;
      Spatial<T> sum = {};
      if (in > 0) {
        const T* x = (second ? SecondInput(graph) : FirstInput(graph)) + point * 3 * in;
        for (int64_t i = 0; i < in; ++i) sum = sum + factor[i * l.width() + j] * Load(x + i, in);
      }
      T* sets = Work(static_cast<int>(s));
      Store(sum, (second ? Second(sets) : sets) + point * 3 * l.width() + j, l.width());
    }
  }

  // Computes the sets of the turn's graphs. All threads call it; the sets are complete on return.
  __device__ void ComputeSets(int64_t turn, int64_t columns) const {
    __syncthreads();  // the weights are loaded, and the previous sets have been read
    Multiply(turn, l.shape.n, l.shape.in, columns, false);
    Multiply(turn, l.second_points(), l.second_in(), columns, true);
    __syncthreads();
  }

  // Calls f(graph, c) for each channel c of a graph in this turn that the thread owns.
  template <class F>
  __device__ void ForEachChannel(int64_t turn, F&& f) const {
    const int64_t graph = turn * l.slots + slot;
    if (slot >= l.slots || graph >= l.shape.graphs) return;
    for (int64_t c = lane; c < l.shape.channels; c += l.lanes) f(graph, c);
  }

  // Clears the two sums per channel, [2, slots, channels], of which a thread adds only to its own.
  __device__ void ClearSums() const {
    for (int64_t i = threadIdx.x; i < 2 * l.slots * l.shape.channels; i += kThreads) sums[i] = 0;
  }
  __device__ double& Sum(int which, int64_t c) const { return sums[(which * l.slots + slot) * l.shape.channels + c]; }
  // Writes the block's sums to partial [blocks, 2, channels].
  __device__ void WriteSums(double* partial) const {
    __syncthreads();
    for (int64_t i = threadIdx.x; i < 2 * l.shape.channels; i += kThreads) {
      double sum = 0;
      for (int s = 0; s < l.slots; ++s)
        sum += sums[(i / l.shape.channels * l.slots + s) * l.shape.channels + i % l.shape.channels];
      partial[int64_t{blockIdx.x} * 2 * l.shape.channels + i] = sum;
    }
  }

  const Layer<T>& l;
  double* sums;
  const T *weights, *second_weights, *pool;
  T *work, *own;  // own: for the thread's graph
  int slot, lane;
};

// Prepares the right factors, followed by the pool's transpose; a thread per element.
template <class T>
__global__ void __launch_bounds__(kThreads) PrepareKernel(VectorNeuronShape shape, int64_t second_in, const T* feature,
                                                          const T* direction, const T* pool, T* weights) {
  const int64_t channels = shape.channels, width = 2 * channels, size = (shape.in + second_in) * width;
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= size) {
    const int64_t i = at - size;
    if (pool && i < channels * channels) weights[at] = pool[i % channels * channels + i / channels];
    return;
  }
  const int64_t i = at / width, column = at % width, c = column % channels;
  const T* row = column < channels ? feature + c * shape.row_channels()
                 : direction       ? direction + (shape.shared_direction ? 0 : c) * shape.row_channels()
                                   : nullptr;
  if (!row)
    weights[at] = 0;
  else if (i < shape.in)
    weights[at] = row[i];
  else
    weights[at] = row[i] - (shape.neighbours > 0 ? row[i - shape.in] : T(0));
}

template <class T>
struct Plan {
  Layer<T> layer{};
  int blocks = 1;
  size_t shared_bytes = 0;
};

// The plan for graphs that each need `sets` times their sets, `extra` further elements and, if `sums`, two doubles per
// channel.
template <class T>
Plan<T> PlanFor(const VectorNeuronShape& shape, const VectorNeuronInput<T>& input, bool with_pool, int64_t extra,
                int64_t sets, bool sums) {
  Plan<T> plan;
  Layer<T>& l = plan.layer;
  l.shape = shape;
  l.input = input;
  l.with_pool = with_pool;
  l.work_size = sets * l.sets_size() + extra;
  l.lanes = 32;
  while (l.lanes < kThreads && l.lanes < shape.channels) l.lanes *= 2;
  l.slots = kThreads / l.lanes;
  const auto sums_bytes = [&] { return sums ? DivideUp<size_t>(2 * l.slots * shape.channels, 2) * 16 : 0; };
  const size_t weights_bytes = DivideUp<size_t>(l.weights_size(), kAlignment) * kAlignment * sizeof(T);
  const auto work_bytes = [&] { return l.slots * l.work_size * sizeof(T); };
  l.weights_in_shared = weights_bytes <= kSharedBytes / 2;
  const auto bytes = [&] { return sums_bytes() + work_bytes() + (l.weights_in_shared ? weights_bytes : 0); };
  while (l.slots > 1 && bytes() > kSharedBytes) l.slots /= 2;
  plan.shared_bytes = bytes();
  plan.blocks = static_cast<int>(std::clamp<int64_t>(DivideUp<int64_t>(shape.graphs, l.slots), 1, kMostBlocks));
  return plan;
}

// Calls launch(plan), after allocating scratch memory for the sets if they do not fit in shared memory.
template <class T, class F>
void WithWork(Gpu gpu, Plan<T> plan, F&& launch) {
  if (plan.shared_bytes <= kSharedBytes) return launch(plan);
  const size_t work = plan.layer.slots * plan.layer.work_size;
  plan.blocks = std::min(plan.blocks, 256);
  const Scratch<T> memory(gpu, work * plan.blocks);
  plan.layer.work = memory.data();
  plan.shared_bytes -= work * sizeof(T);
  launch(plan);
}

// The right factors, in scratch memory.
template <class T>
Scratch<T> Prepare(Gpu gpu, const Layer<T>& l, const T* feature, const T* direction, const T* pool) {
  Scratch<T> weights(gpu, l.weights_size());
  Launch("VectorNeuron", gpu, dim3(DivideUp<int64_t>(std::max<int64_t>(l.weights_size(), 1), kThreads)), dim3(kThreads),
         0, PrepareKernel<T>, l.shape, l.second_in(), feature, direction, pool, weights.data());
  return weights;
}

template <class T>
void SetNorm(const VectorNeuronParameters<T>& parameters, const BatchStatistics<T>& statistics, Layer<T>& l) {
  l.norm_weight = parameters.weight;
  l.norm_bias = parameters.bias;
  l.statistics = statistics;
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_VECTOR_NEURON_SETS_H_
