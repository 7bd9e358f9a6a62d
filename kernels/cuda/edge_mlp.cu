#include "kernels/cuda/gpu.h"
#include "kernels/cuda/node_edges.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/edge_mlp.h"
#include "kernels/elementwise.h"

namespace orbit::kernels {
namespace {

template <class T>
struct Silu {
  T value, derivative;

  __device__ explicit Silu(T x) {
    const T sigmoid = T(1) / (T(1) + exp(-x));
    value = x * sigmoid;
    derivative = sigmoid + value * (T(1) - sigmoid);
  }
};

template <class T>
struct Point {
  T x[3];

  __device__ Point() : x{} {}
  __device__ Point(const T* positions, int64_t node)
      : x{positions[3 * node], positions[3 * node + 1], positions[3 * node + 2]} {}

  __device__ Point operator-(const Point& other) const {
    Point difference;
#pragma unroll
    for (int d = 0; d < 3; ++d) difference.x[d] = x[d] - other.x[d];
    return difference;
  }
  __device__ T Dot(const Point& other) const { return x[0] * other.x[0] + x[1] * other.x[1] + x[2] * other.x[2]; }
  __device__ void Add(T factor, const Point& other) {
#pragma unroll
    for (int d = 0; d < 3; ++d) x[d] += factor * other.x[d];
  }
};

// sums [3] = sum over the lanes of a warp; all lanes call it.
template <class T>
__device__ void StoreSum(const Point<T>& value, T* sums) {
#pragma unroll
  for (int d = 0; d < 3; ++d) {
    const T sum = WarpSum(value.x[d]);
    if (threadIdx.x % 32 == 0) sums[d] = sum;
  }
}

// ---- PairSilu ----

// The scalars of an edge, padded with zeros to kScalars.
template <class T, int kScalars>
struct Scalars {
  T values[kScalars];
  Point<T> difference;

  __device__ Scalars(const PairShape& shape, const PairInput<const T>& input, int64_t i, int64_t j, int64_t row)
      : values{} {
    const int first = shape.distances ? 1 : 0;
    if (shape.distances) {
      difference = Point<T>(input.positions, i) - Point<T>(input.positions, j);
      values[0] = difference.Dot(difference);
    }
#pragma unroll
    for (int s = 0; s < kScalars; ++s)
      if (s >= first && s < shape.scalars()) values[s] = input.attributes[row * shape.attributes + s - first];
  }
};

// The weights of the channels that a lane owns.
template <class T, int kWidth, int kScalars>
struct Weights {
  Vector<T, kWidth> bias = {}, columns[kScalars] = {};

  __device__ Weights(const PairShape& shape, const PairInput<const T>& input, int c) {
    if (c >= shape.channels) return;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      bias[e] = input.bias[c + e];
#pragma unroll
      for (int s = 0; s < kScalars; ++s)
        if (s < shape.scalars()) columns[s][e] = input.weight[(c + e) * shape.scalars() + s];
    }
  }

  // The lane's channels of z without the terms of the two nodes.
  __device__ T OfScalars(const Scalars<T, kScalars>& scalars, int e) const {
    T z = bias[e];
#pragma unroll
    for (int s = 0; s < kScalars; ++s) z += columns[s][e] * scalars.values[s];
    return z;
  }
};

// Registers: the weights of the lane's channels and the receiver's term. Bytes: y once.
template <class T, int kWidth, int kScalars>
__global__ void __launch_bounds__(kThreads)
    PairForward(GraphEdges edges, int nodes_per_block, PairShape shape, PairInput<const T> input, T* y) {
  const int channels = static_cast<int>(shape.channels);
  ForChannels<kWidth>(channels, [&](int c) {
    const Weights<T, kWidth, kScalars> weights(shape, input, c);
    ForNodes(edges, nodes_per_block, [&](const Node& node) {
      const auto receiver = Load<T, kWidth>(input.nodes + 2 * node.index() * channels, c, channels);
      node.ForSenders(edges, [&](int64_t j, int64_t row) {
        const Scalars<T, kScalars> scalars(shape, input, node.index(), j, row);
        auto z = Load<T, kWidth>(input.nodes + (2 * j + 1) * channels, c, channels);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) z[e] = Silu<T>(z[e] + receiver[e] + weights.OfScalars(scalars, e)).value;
        Store(z, y + row * channels, c, channels);
      });
    });
  });
}

// Gradients of the receivers' terms and of the scalars, and per block partial sums of the gradients of the weights:
// partial_weight [blocks, channels, scalars], partial_bias [blocks, channels]. ddistances [edges] is the gradient of
// the squared distances. Registers: the weights of the lane's channels and the sums of their gradients. Bytes: dy once.
template <class T, int kWidth, int kScalars>
__global__ void __launch_bounds__(kThreads)
    PairReceivers(GraphEdges edges, int nodes_per_block, PairShape shape, PairInput<const T> input, const T* dy,
                  T* dnodes, T* dattributes, T* ddistances, T* partial_weight, T* partial_bias) {
  const int channels = static_cast<int>(shape.channels);
  const int lane = threadIdx.x % 32, first = shape.distances ? 1 : 0;
  constexpr int kValues = kWidth * (1 + kScalars);
  ORBIT_SHARED(shared, T[(kWarps - 1) * kValues * 32]);
  ForChannels<kWidth>(channels, [&](int c) {
    const Weights<T, kWidth, kScalars> weights(shape, input, c);
    T sums[kValues] = {};  // per element: for its bias, then for its scalars
    ForNodes(edges, nodes_per_block, [&](const Node& node) {
      const auto receiver = Load<T, kWidth>(input.nodes + 2 * node.index() * channels, c, channels);
      Vector<T, kWidth> dreceiver = {};
      node.ForSenders(edges, [&](int64_t j, int64_t row) {
        const Scalars<T, kScalars> scalars(shape, input, node.index(), j, row);
        const auto sender = Load<T, kWidth>(input.nodes + (2 * j + 1) * channels, c, channels);
        auto dz = Load<T, kWidth>(dy + row * channels, c, channels);
        T dscalars[kScalars] = {};
#pragma unroll
        for (int e = 0; e < kWidth; ++e) {
          dz[e] *= Silu<T>(sender[e] + receiver[e] + weights.OfScalars(scalars, e)).derivative;
          sums[e * (1 + kScalars)] += dz[e];
#pragma unroll
          for (int s = 0; s < kScalars; ++s) {
            sums[e * (1 + kScalars) + 1 + s] += dz[e] * scalars.values[s];
            dscalars[s] += dz[e] * weights.columns[s][e];
          }
        }
        dreceiver += dz;
#pragma unroll
        for (int s = 0; s < kScalars; ++s) {
          T* to = s < first                            ? ddistances + row
                  : dattributes && s < shape.scalars() ? dattributes + row * shape.attributes + s - first
                                                       : nullptr;
          if (!to) continue;
          const T sum = WarpSum(dscalars[s]);
          if (lane == 0) *to = (c < 32 * kWidth ? T(0) : *to) + sum;  // lane 0 wrote the earlier turns itself
        }
      });
      Store(dreceiver, dnodes + 2 * node.index() * channels, c, channels);
    });
    SumOverWarps(sums, shared);
    if (threadIdx.x >= 32 || c >= channels) return;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      partial_bias[int64_t{blockIdx.x} * channels + c + e] = sums[e * (1 + kScalars)];
#pragma unroll
      for (int s = 0; s < kScalars; ++s)
        if (s < shape.scalars())
          partial_weight[(int64_t{blockIdx.x} * channels + c + e) * shape.scalars() + s] =
              sums[e * (1 + kScalars) + 1 + s];
    }
  });
}

// Gradients of the senders' terms and, if ddistances is given, of the positions, for which the lanes share the node's
// edges. Bytes: dy once.
template <class T, int kWidth, int kScalars>
__global__ void __launch_bounds__(kThreads)
    PairSenders(GraphEdges edges, int nodes_per_block, PairShape shape, PairInput<const T> input, const T* dy,
                const T* ddistances, T* dnodes, T* dpositions) {
  const int channels = static_cast<int>(shape.channels);
  const int lane = threadIdx.x % 32;
  ForChannels<kWidth>(channels, [&](int c) {
    const Weights<T, kWidth, kScalars> weights(shape, input, c);
    ForNodes(edges, nodes_per_block, [&](const Node& node) {
      const auto sender = Load<T, kWidth>(input.nodes + (2 * node.index() + 1) * channels, c, channels);
      Vector<T, kWidth> dsender = {};
      node.ForReceivers(edges, [&](int64_t i, int64_t row) {
        const Scalars<T, kScalars> scalars(shape, input, i, node.index(), row);
        const auto receiver = Load<T, kWidth>(input.nodes + 2 * i * channels, c, channels);
        auto dz = Load<T, kWidth>(dy + row * channels, c, channels);
#pragma unroll
        for (int e = 0; e < kWidth; ++e)
          dz[e] *= Silu<T>(sender[e] + receiver[e] + weights.OfScalars(scalars, e)).derivative;
        dsender += dz;
      });
      Store(dsender, dnodes + (2 * node.index() + 1) * channels, c, channels);
    });
  });
  if (!shape.distances) return;
  ForNodes(edges, nodes_per_block, [&](const Node& node) {
    const Point<T> own(input.positions, node.index());
    Point<T> sum;
    const auto add = [&](int64_t other, int64_t row) {
      sum.Add(2 * ddistances[row], own - Point<T>(input.positions, other));
    };
    node.ForSenders(edges, add, lane, 32);
    node.ForReceivers(edges, add, lane, 32);
    StoreSum(sum, dpositions + 3 * node.index());
  });
}

// ---- SiluSum ----

// Registers: the sums of the lane's channels. Bytes: x and messages once, sums once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    SumForward(GraphEdges edges, int nodes_per_block, int channels, const T* x, T* messages, T* sums) {
  ForChannels<kWidth>(channels, [&](int c) {
    ForNodes(edges, nodes_per_block, [&](const Node& node) {
      Vector<T, kWidth> sum = {};
      node.ForSenders(edges, [&](int64_t, int64_t row) {
        auto message = Load<T, kWidth>(x + row * channels, c, channels);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) message[e] = Silu<T>(message[e]).value;
        if (messages) Store(message, messages + row * channels, c, channels);
        sum += message;
      });
      Store(sum, sums + node.index() * channels, c, channels);
    });
  });
}

// Bytes: x, dmessages and dx once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) SumBackward(GraphEdges edges, int nodes_per_block, int channels, const T* x,
                                                        const T* dmessages, const T* dsums, T* dx) {
  ForChannels<kWidth>(channels, [&](int c) {
    ForNodes(edges, nodes_per_block, [&](const Node& node) {
      Vector<T, kWidth> dsum = {};
      if (dsums) dsum = Load<T, kWidth>(dsums + node.index() * channels, c, channels);
      node.ForSenders(edges, [&](int64_t, int64_t row) {
        auto gradient = dsum;
        if (dmessages) gradient += Load<T, kWidth>(dmessages + row * channels, c, channels);
        const auto value = Load<T, kWidth>(x + row * channels, c, channels);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) gradient[e] *= Silu<T>(value[e]).derivative;
        Store(gradient, dx + row * channels, c, channels);
      });
    });
  });
}

// ---- MeanMoves ----

template <class T>
struct Moves {
  T limit;
  const T *p, *weight, *positions;

  __device__ Point<T> Difference(int64_t i, int64_t j) const { return Point<T>(positions, i) - Point<T>(positions, j); }
};

// One over the number of edges into a node.
template <class T>
__device__ T MeanFactor(const GraphEdges& edges, int graph, int node) {
  const int32_t* offsets = edges.offsets + int64_t{graph} * edges.n + node;
  return T(1) / static_cast<T>(max(1, offsets[1] - offsets[0]));
}

// All lanes compute the same sums of moves. Bytes: p once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    MovesForward(GraphEdges edges, int nodes_per_block, int channels, Moves<T> a, T* scales, T* moves) {
  ForNodes(edges, nodes_per_block, [&](const Node& node) {
    Point<T> sum;
    node.ForSenders(edges, [&](int64_t j, int64_t row) {
      T scale = 0;
      ForChannels<kWidth>(channels, [&](int c) {
        const auto p = Load<T, kWidth>(a.p + row * channels, c, channels);
        const auto weight = Load<T, kWidth>(a.weight, c, channels);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) scale += weight[e] * Silu<T>(p[e]).value;
      });
      scale = WarpSum(scale);
      if (threadIdx.x % 32 == 0) scales[row] = scale;
      const Point<T> difference = a.Difference(node.index(), j);
#pragma unroll
      for (int d = 0; d < 3; ++d) sum.x[d] += max(-a.limit, min(a.limit, difference.x[d] * scale));
    });
    if (threadIdx.x % 32 == 0)
#pragma unroll
      for (int d = 0; d < 3; ++d) moves[3 * node.index() + d] = sum.x[d] * MeanFactor<T>(edges, node.graph, node.node);
  });
}

// The gradient of an edge's move before clamping.
template <class T>
__device__ Point<T> MoveGradient(const GraphEdges& edges, const Moves<T>& a, int graph, int64_t i,
                                 const Point<T>& difference, T scale, const T* dmoves) {
  const T factor =
      MeanFactor<T>(edges, graph, static_cast<int>(static_cast<unsigned>(i) % static_cast<unsigned>(edges.n)));
  Point<T> gradient(dmoves, i);
#pragma unroll
  for (int d = 0; d < 3; ++d) {
    const T move = difference.x[d] * scale;
    gradient.x[d] = move >= -a.limit && move <= a.limit ? gradient.x[d] * factor : T(0);
  }
  return gradient;
}

// Registers: the weight of the lane's channels and the sum of its gradient; the sums over a block go to partial_weight
// [blocks, channels]. For the positions the lanes share the node's edges. Bytes: p and dp once.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    MovesBackward(GraphEdges edges, int nodes_per_block, int channels, Moves<T> a, const T* scales, const T* dmoves,
                  T* dp, T* partial_weight, T* dpositions) {
  ORBIT_SHARED(shared, T[(kWarps - 1) * kWidth * 32]);
  const int lane = threadIdx.x % 32;
  ForChannels<kWidth>(channels, [&](int c) {
    const auto weight = Load<T, kWidth>(a.weight, c, channels);
    T sums[kWidth] = {};
    ForNodes(edges, nodes_per_block, [&](const Node& node) {
      node.ForSenders(edges, [&](int64_t j, int64_t row) {
        const Point<T> difference = a.Difference(node.index(), j);
        const T dscale =
            MoveGradient(edges, a, node.graph, node.index(), difference, scales[row], dmoves).Dot(difference);
        auto p = Load<T, kWidth>(a.p + row * channels, c, channels);
#pragma unroll
        for (int e = 0; e < kWidth; ++e) {
          const Silu<T> silu(p[e]);
          sums[e] += dscale * silu.value;
          p[e] = dscale * weight[e] * silu.derivative;
        }
        Store(p, dp + row * channels, c, channels);
      });
    });
    SumOverWarps(sums, shared);
    if (threadIdx.x < 32)
#pragma unroll
      for (int e = 0; e < kWidth; ++e)
        if (c < channels) partial_weight[int64_t{blockIdx.x} * channels + c + e] = sums[e];
  });
  ForNodes(edges, nodes_per_block, [&](const Node& node) {
    Point<T> sum;
    node.ForSenders(
        edges,
        [&](int64_t j, int64_t row) {
          const Point<T> difference = a.Difference(node.index(), j);
          sum.Add(scales[row], MoveGradient(edges, a, node.graph, node.index(), difference, scales[row], dmoves));
        },
        lane, 32);
    node.ForReceivers(
        edges,
        [&](int64_t i, int64_t row) {
          const Point<T> difference = a.Difference(i, node.index());
          sum.Add(-scales[row], MoveGradient(edges, a, node.graph, i, difference, scales[row], dmoves));
        },
        lane, 32);
    StoreSum(sum, dpositions + 3 * node.index());
  });
}

// ---- Launches ----

// Calls f.template operator()<kScalars>() with the smallest instantiated kScalars that holds the shape's scalars.
template <class F>
void ForScalars(const PairShape& shape, F&& f) {
  if (shape.scalars() <= 3) return f.template operator()<3>();
  f.template operator()<static_cast<int>(PairShape::kMaxScalars)>();
}

}  // namespace

template <class Device, class T>
void PairSilu(Device gpu, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input, T* y) {
  if (edges.edges * shape.channels == 0) return;
  ForScalars(shape, [&]<int kScalars>() {
    ForWidth<T>(
        shape.channels,
        [&]<int kWidth>() {
          LaunchOverNodes("PairSilu", gpu, edges, BlocksFor(edges), PairForward<T, kWidth, kScalars>, shape, input, y);
        },
        input.nodes, y);
  });
}

template <class Device, class T>
void PairSiluBackward(Device gpu, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input,
                      const T* dy, const PairInput<T>& gradient) {
  if (shape.channels == 0) return;
  if (edges.nodes() == 0) {
    SumAxis<Device, T>(gpu, 1, 0, shape.channels, 1, nullptr, gradient.bias);
    return SumAxis<Device, T>(gpu, 1, 0, shape.channels * shape.scalars(), 1, nullptr, gradient.weight);
  }
  const int64_t blocks = BlocksFor(edges, kMaxPartials);
  const int64_t weights = shape.channels * shape.scalars();
  const Scratch<T> ddistances(gpu, shape.distances ? edges.edges : 0);
  const Scratch<T> partial_weight(gpu, blocks * weights), partial_bias(gpu, blocks * shape.channels);
  ForScalars(shape, [&]<int kScalars>() {
    ForWidth<T>(
        shape.channels,
        [&]<int kWidth>() {
          LaunchOverNodes("PairSiluBackward", gpu, edges, blocks, PairReceivers<T, kWidth, kScalars>, shape, input, dy,
                          gradient.nodes, gradient.attributes, ddistances.data(), partial_weight.data(),
                          partial_bias.data());
          LaunchOverNodes("PairSiluBackward", gpu, edges, BlocksFor(edges), PairSenders<T, kWidth, kScalars>, shape,
                          input, dy, ddistances.data(), gradient.nodes, gradient.positions);
        },
        input.nodes, dy, gradient.nodes);
  });
  SumAxis(gpu, 1, blocks, shape.channels, T(1), partial_bias.data(), gradient.bias);
  SumAxis(gpu, 1, blocks, weights, T(1), partial_weight.data(), gradient.weight);
}

template <class Device, class T>
void SiluSum(Device gpu, const GraphEdges& edges, int64_t channels, const T* x, T* messages, T* sums) {
  if (edges.nodes() * channels == 0) return;
  ForWidth<T>(
      channels,
      [&]<int kWidth>() {
        LaunchOverNodes("SiluSum", gpu, edges, BlocksFor(edges), SumForward<T, kWidth>, channels, x, messages, sums);
      },
      x, messages, sums);
}

template <class Device, class T>
void SiluSumBackward(Device gpu, const GraphEdges& edges, int64_t channels, const T* x, const T* dmessages,
                     const T* dsums, T* dx) {
  if (edges.nodes() * channels == 0) return;
  ForWidth<T>(
      channels,
      [&]<int kWidth>() {
        LaunchOverNodes("SiluSumBackward", gpu, edges, BlocksFor(edges), SumBackward<T, kWidth>, channels, x, dmessages,
                        dsums, dx);
      },
      x, dmessages, dsums, dx);
}

template <class Device, class T>
void MeanMoves(Device gpu, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
               const T* positions, T* scales, T* moves) {
  if (edges.nodes() == 0) return;
  ForWidth<T>(
      channels,
      [&]<int kWidth>() {
        LaunchOverNodes("MeanMoves", gpu, edges, BlocksFor(edges), MovesForward<T, kWidth>, channels,
                        Moves<T>{limit, p, weight, positions}, scales, moves);
      },
      p, weight);
}

template <class Device, class T>
void MeanMovesBackward(Device gpu, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
                       const T* positions, const T* scales, const T* dmoves, T* dp, T* dweight, T* dpositions) {
  if (edges.nodes() == 0) return SumAxis<Device, T>(gpu, 1, 0, channels, 1, nullptr, dweight);
  const int64_t blocks = BlocksFor(edges, kMaxPartials);
  const Scratch<T> partial_weight(gpu, blocks * channels);
  ForWidth<T>(
      channels,
      [&]<int kWidth>() {
        LaunchOverNodes("MeanMovesBackward", gpu, edges, blocks, MovesBackward<T, kWidth>, channels,
                        Moves<T>{limit, p, weight, positions}, scales, dmoves, dp, partial_weight.data(), dpositions);
      },
      p, weight, dp);
  SumAxis(gpu, 1, blocks, channels, T(1), partial_weight.data(), dweight);
}

#define ORBIT_INSTANTIATE(T)                                                                                    \
  template void PairSilu(Gpu, const GraphEdges&, const PairShape&, const PairInput<const T>&, T*);              \
  template void PairSiluBackward(Gpu, const GraphEdges&, const PairShape&, const PairInput<const T>&, const T*, \
                                 const PairInput<T>&);                                                          \
  template void SiluSum(Gpu, const GraphEdges&, int64_t, const T*, T*, T*);                                     \
  template void SiluSumBackward(Gpu, const GraphEdges&, int64_t, const T*, const T*, const T*, T*);             \
  template void MeanMoves(Gpu, const GraphEdges&, int64_t, T, const T*, const T*, const T*, T*, T*);            \
  template void MeanMovesBackward(Gpu, const GraphEdges&, int64_t, T, const T*, const T*, const T*, const T*,   \
                                  const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
