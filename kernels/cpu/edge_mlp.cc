#include "kernels/edge_mlp.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/edge_mlp.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/exp-inl.h"
#include "kernels/cpu/simd-inl.h"
// clang-format on

#ifndef ORBIT_KERNELS_CPU_EDGE_MLP_ARGUMENTS_
#define ORBIT_KERNELS_CPU_EDGE_MLP_ARGUMENTS_
namespace orbit::kernels {
namespace {

// A map is one sample of one graph.
struct Map {
  Map(const GraphEdges& edges, int64_t map)
      : first_node(map * edges.n),
        first_row(edges.FirstRow(map / edges.samples, map % edges.samples)),
        offsets(edges.offsets + map / edges.samples * edges.n) {}

  int64_t first_node, first_row;
  const int32_t* offsets;
};

// Calls f(receiver, sender, row) for the edges of the maps [begin, end) in order. Nodes are numbered across all maps.
template <class F>
inline __attribute__((always_inline)) void ForEdges(const GraphEdges& edges, int64_t begin, int64_t end, const F& f) {
  for (int64_t m = begin; m < end; ++m) {
    const Map map(edges, m);
    for (int64_t i = 0; i < edges.n; ++i)
      for (int64_t e = map.offsets[i]; e < map.offsets[i + 1]; ++e)
        f(map.first_node + i, map.first_node + edges.sources[e], map.first_row + e);
  }
}

// Arguments of PairSilu. columns [1 + scalars, channels]: the bias, then the columns of the weight.
template <class T>
struct PairArguments {
  const GraphEdges& edges;
  const PairShape& shape;
  const PairInput<const T>& input;
  const T* columns;
};

template <class T>
struct MoveArguments {
  const GraphEdges& edges;
  int64_t channels;
  T limit;
  const T *p, *weight, *positions;
};

template <class T>
void Difference(const T* positions, int64_t i, int64_t j, T (&difference)[3]) {
  for (int c = 0; c < 3; ++c) difference[c] = positions[3 * i + c] - positions[3 * j + c];
}

// The inputs of an edge that are multiplied with `columns`: 1 (for the bias), then its scalars.
template <class T>
struct Scalars {
  Scalars(const PairArguments<T>& a, int64_t i, int64_t j, int64_t row) {
    int64_t count = 1;
    if (a.shape.distances) {
      Difference(a.input.positions, i, j, difference);
      values[count++] = difference[0] * difference[0] + difference[1] * difference[1] + difference[2] * difference[2];
    }
    for (int64_t f = 0; f < a.shape.attributes; ++f) values[count++] = a.input.attributes[row * a.shape.attributes + f];
  }

  T values[1 + PairShape::kMaxScalars] = {T(1)};
  T difference[3];
};

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_EDGE_MLP_ARGUMENTS_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

template <class T>
struct Silu {
  Vector<T> value, derivative;
};

template <class T>
HWY_INLINE Silu<T> SiluOf(Vector<T> x) {
  const Tag<T> d;
  const auto one = hn::Set(d, T(1));
  const auto exponent = hn::Min(hn::Neg(x), hn::Set(d, T(sizeof(T) == 4 ? 87 : 700)));
  const auto sigmoid = hn::Div(one, hn::Add(one, Exp<T>(exponent)));
  const auto value = hn::Mul(x, sigmoid);
  return {value, hn::MulAdd(value, hn::Sub(one, sigmoid), sigmoid)};
}

// Calls f(c, count) to cover all channels by vectors; c is the first channel of a vector and `count` how many it holds.
template <class T, class F>
HWY_INLINE void ForChannels(int64_t channels, const F& f) {
  for (int64_t c = 0; c < channels; c += kLanes<T>) f(c, std::min<int64_t>(kLanes<T>, channels - c));
}

template <class T>
HWY_INLINE void AddTo(T* sum, int64_t count, Vector<T> term) {
  StoreFirst<T>(hn::Add(LoadFirst<T>(sum, count), term), sum, count);
}

template <class T>
HWY_INLINE Silu<T> PairSiluOf(const PairArguments<T>& a, const Scalars<T>& scalars, int64_t i, int64_t j, int64_t c,
                              int64_t count) {
  const int64_t channels = a.shape.channels;
  auto z = hn::Add(LoadFirst<T>(a.input.nodes + 2 * i * channels + c, count),
                   LoadFirst<T>(a.input.nodes + (2 * j + 1) * channels + c, count));
  for (int64_t s = 0; s <= a.shape.scalars(); ++s)
    z = hn::MulAdd(hn::Set(Tag<T>(), scalars.values[s]), LoadFirst<T>(a.columns + s * channels + c, count), z);
  return SiluOf<T>(z);
}

template <class T>
void PairForward(const PairArguments<T>& a, int64_t begin, int64_t end, T* y) {
  ForEdges(a.edges, begin, end, [&](int64_t i, int64_t j, int64_t row) HWY_ATTR {
    const Scalars<T> scalars(a, i, j, row);
    ForChannels<T>(a.shape.channels, [&](int64_t c, int64_t count) HWY_ATTR {
      StoreFirst<T>(PairSiluOf(a, scalars, i, j, c, count).value, y + row * a.shape.channels + c, count);
    });
  });
}

// Adds to the gradients of nodes and positions and to dcolumns [1 + scalars, channels]; writes those of the attributes.
template <class T>
void PairBackward(const PairArguments<T>& a, int64_t begin, int64_t end, const T* dy, const PairInput<T>& gradient,
                  T* dcolumns) {
  const int64_t channels = a.shape.channels, count_of_scalars = a.shape.scalars();
  ForEdges(a.edges, begin, end, [&](int64_t i, int64_t j, int64_t row) HWY_ATTR {
    const Scalars<T> scalars(a, i, j, row);
    T dscalars[1 + PairShape::kMaxScalars] = {};
    ForChannels<T>(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const auto dz =
          hn::Mul(LoadFirst<T>(dy + row * channels + c, count), PairSiluOf(a, scalars, i, j, c, count).derivative);
      AddTo<T>(gradient.nodes + 2 * i * channels + c, count, dz);
      AddTo<T>(gradient.nodes + (2 * j + 1) * channels + c, count, dz);
      for (int64_t s = 0; s <= count_of_scalars; ++s) {
        AddTo<T>(dcolumns + s * channels + c, count, hn::Mul(hn::Set(Tag<T>(), scalars.values[s]), dz));
        dscalars[s] += SumOfLanes<T>(hn::Mul(LoadFirst<T>(a.columns + s * channels + c, count), dz));
      }
    });
    if (a.shape.distances)
      for (int d = 0; d < 3; ++d) {
        const T change = 2 * dscalars[1] * scalars.difference[d];
        gradient.positions[3 * i + d] += change;
        gradient.positions[3 * j + d] -= change;
      }
    if (gradient.attributes)
      std::copy_n(dscalars + 1 + (a.shape.distances ? 1 : 0), a.shape.attributes,
                  gradient.attributes + row * a.shape.attributes);
  });
}

template <class T>
void SumForward(const GraphEdges& edges, int64_t channels, int64_t begin, int64_t end, const T* x, T* messages,
                T* sums) {
  ForEdges(edges, begin, end, [&](int64_t i, int64_t, int64_t row) HWY_ATTR {
    ForChannels<T>(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const auto message = SiluOf<T>(LoadFirst<T>(x + row * channels + c, count)).value;
      if (messages) StoreFirst<T>(message, messages + row * channels + c, count);
      AddTo<T>(sums + i * channels + c, count, message);
    });
  });
}

template <class T>
void SumBackward(const GraphEdges& edges, int64_t channels, int64_t begin, int64_t end, const T* x, const T* dmessages,
                 const T* dsums, T* dx) {
  ForEdges(edges, begin, end, [&](int64_t i, int64_t, int64_t row) HWY_ATTR {
    ForChannels<T>(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      auto dmessage = dmessages ? LoadFirst<T>(dmessages + row * channels + c, count) : hn::Zero(Tag<T>());
      if (dsums) dmessage = hn::Add(dmessage, LoadFirst<T>(dsums + i * channels + c, count));
      const auto derivative = SiluOf<T>(LoadFirst<T>(x + row * channels + c, count)).derivative;
      StoreFirst<T>(hn::Mul(dmessage, derivative), dx + row * channels + c, count);
    });
  });
}

template <class T>
void ComputeScales(const MoveArguments<T>& a, int64_t begin, int64_t end, T* scales) {
  ForEdges(a.edges, begin, end, [&](int64_t, int64_t, int64_t row) HWY_ATTR {
    auto sum = hn::Zero(Tag<T>());
    ForChannels<T>(a.channels, [&](int64_t c, int64_t count) HWY_ATTR {
      sum = hn::MulAdd(LoadFirst<T>(a.weight + c, count),
                       SiluOf<T>(LoadFirst<T>(a.p + row * a.channels + c, count)).value, sum);
    });
    scales[row] = SumOfLanes<T>(sum);
  });
}

// Writes dp and adds to dweight, given the gradients of the scales.
template <class T>
void SpreadScales(const MoveArguments<T>& a, int64_t begin, int64_t end, const T* dscales, T* dp, T* dweight) {
  ForEdges(a.edges, begin, end, [&](int64_t, int64_t, int64_t row) HWY_ATTR {
    const auto dscale = hn::Set(Tag<T>(), dscales[row]);
    ForChannels<T>(a.channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const Silu<T> silu = SiluOf<T>(LoadFirst<T>(a.p + row * a.channels + c, count));
      StoreFirst<T>(hn::Mul(hn::Mul(dscale, LoadFirst<T>(a.weight + c, count)), silu.derivative),
                    dp + row * a.channels + c, count);
      AddTo<T>(dweight + c, count, hn::Mul(dscale, silu.value));
    });
  });
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(PairForward)
ORBIT_EXPORT(PairBackward)
ORBIT_EXPORT(SumForward)
ORBIT_EXPORT(SumBackward)
ORBIT_EXPORT(ComputeScales)
ORBIT_EXPORT(SpreadScales)

// Maps per task. A task owns its maps' part of every array.
int64_t Grain(const GraphEdges& edges, int64_t channels) {
  constexpr int64_t kElements = 1 << 14;
  const int64_t maps = edges.graphs * edges.samples;
  return std::max<int64_t>(1, kElements * maps / std::max<int64_t>(1, edges.edges * channels));
}

template <class F>
void ForMaps(const GraphEdges& edges, int64_t channels, const F& f) {
  ParallelFor(edges.graphs * edges.samples, Grain(edges, channels), f);
}

// Splits the maps into chunks, calls sum(begin, end, sums) for each with its own zeroed sums [count], and returns the
// totals.
template <class T, class Sum>
std::vector<double> SumOverMaps(const GraphEdges& edges, int64_t channels, int64_t count, const Sum& sum) {
  const int64_t grain = Grain(edges, channels), chunks = NumChunks(edges.graphs * edges.samples, grain);
  std::vector<T> partial(chunks * count, T(0));
  ForMaps(edges, channels,
          [&](int64_t begin, int64_t end) { sum(begin, end, partial.data() + begin / grain * count); });
  std::vector<double> totals(count, 0.0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t i = 0; i < count; ++i) totals[i] += static_cast<double>(partial[chunk * count + i]);
  return totals;
}

template <class T>
std::vector<T> Columns(const PairShape& shape, const T* weight, const T* bias) {
  const int64_t scalars = shape.scalars();
  std::vector<T> columns(bias, bias + shape.channels);
  for (int64_t s = 0; s < scalars; ++s)
    for (int64_t c = 0; c < shape.channels; ++c) columns.push_back(weight[c * scalars + s]);
  return columns;
}

}  // namespace

template <class Device, class T>
void PairSilu(Device, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input, T* y) {
  const std::vector<T> columns = Columns(shape, input.weight, input.bias);
  const PairArguments<T> arguments = {edges, shape, input, columns.data()};
  ForMaps(edges, shape.channels, [&](int64_t begin, int64_t end) { PairForward<T>(arguments, begin, end, y); });
}

template <class Device, class T>
void PairSiluBackward(Device, const GraphEdges& edges, const PairShape& shape, const PairInput<const T>& input,
                      const T* dy, const PairInput<T>& gradient) {
  const std::vector<T> columns = Columns(shape, input.weight, input.bias);
  const PairArguments<T> arguments = {edges, shape, input, columns.data()};
  const int64_t channels = shape.channels, scalars = shape.scalars();
  const std::vector<double> totals =
      SumOverMaps<T>(edges, channels, (1 + scalars) * channels, [&](int64_t begin, int64_t end, T* dcolumns) {
        const auto clear = [&](T* values, int64_t width) {
          std::fill(values + begin * edges.n * width, values + end * edges.n * width, T(0));
        };
        clear(gradient.nodes, 2 * channels);
        if (shape.distances) clear(gradient.positions, 3);
        PairBackward<T>(arguments, begin, end, dy, gradient, dcolumns);
      });
  for (int64_t c = 0; c < channels; ++c) {
    gradient.bias[c] = T(totals[c]);
    for (int64_t s = 0; s < scalars; ++s) gradient.weight[c * scalars + s] = T(totals[(1 + s) * channels + c]);
  }
}

template <class Device, class T>
void SiluSum(Device, const GraphEdges& edges, int64_t channels, const T* x, T* messages, T* sums) {
  ForMaps(edges, channels, [&](int64_t begin, int64_t end) {
    std::fill(sums + begin * edges.n * channels, sums + end * edges.n * channels, T(0));
    SumForward<T>(edges, channels, begin, end, x, messages, sums);
  });
}

template <class Device, class T>
void SiluSumBackward(Device, const GraphEdges& edges, int64_t channels, const T* x, const T* dmessages, const T* dsums,
                     T* dx) {
  ForMaps(edges, channels,
          [&](int64_t begin, int64_t end) { SumBackward<T>(edges, channels, begin, end, x, dmessages, dsums, dx); });
}

namespace {

// One over the number of senders of a node, which is numbered across all maps.
template <class T>
T MeanFactor(const GraphEdges& edges, int64_t node) {
  const int32_t* offsets = edges.offsets + node / edges.n / edges.samples * edges.n + node % edges.n;
  return T(1) / T(std::max(1, offsets[1] - offsets[0]));
}

}  // namespace

template <class Device, class T>
void MeanMoves(Device, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
               const T* positions, T* scales, T* moves) {
  const MoveArguments<T> arguments = {edges, channels, limit, p, weight, positions};
  ForMaps(edges, channels, [&](int64_t begin, int64_t end) {
    ComputeScales<T>(arguments, begin, end, scales);
    std::fill(moves + begin * edges.n * 3, moves + end * edges.n * 3, T(0));
    ForEdges(edges, begin, end, [&](int64_t i, int64_t j, int64_t row) {
      T difference[3];
      Difference(positions, i, j, difference);
      for (int d = 0; d < 3; ++d) moves[3 * i + d] += std::clamp(difference[d] * scales[row], -limit, limit);
    });
    for (int64_t i = begin * edges.n; i < end * edges.n; ++i)
      for (int d = 0; d < 3; ++d) moves[3 * i + d] *= MeanFactor<T>(edges, i);
  });
}

template <class Device, class T>
void MeanMovesBackward(Device, const GraphEdges& edges, int64_t channels, T limit, const T* p, const T* weight,
                       const T* positions, const T* scales, const T* dmoves, T* dp, T* dweight, T* dpositions) {
  const MoveArguments<T> arguments = {edges, channels, limit, p, weight, positions};
  std::vector<T> dscales(edges.edges);
  const std::vector<double> totals =
      SumOverMaps<T>(edges, channels, channels, [&](int64_t begin, int64_t end, T* sums) {
        std::fill(dpositions + begin * edges.n * 3, dpositions + end * edges.n * 3, T(0));
        ForEdges(edges, begin, end, [&](int64_t i, int64_t j, int64_t row) {
          T difference[3];
          Difference(positions, i, j, difference);
          dscales[row] = 0;
          for (int d = 0; d < 3; ++d) {
            const T move = difference[d] * scales[row];
            const T dmove = move >= -limit && move <= limit ? dmoves[3 * i + d] * MeanFactor<T>(edges, i) : T(0);
            dscales[row] += dmove * difference[d];
            dpositions[3 * i + d] += dmove * scales[row];
            dpositions[3 * j + d] -= dmove * scales[row];
          }
        });
        SpreadScales<T>(arguments, begin, end, dscales.data(), dp, sums);
      });
  std::copy(totals.begin(), totals.end(), dweight);
}

#define ORBIT_INSTANTIATE(T)                                                                                    \
  template void PairSilu(Cpu, const GraphEdges&, const PairShape&, const PairInput<const T>&, T*);              \
  template void PairSiluBackward(Cpu, const GraphEdges&, const PairShape&, const PairInput<const T>&, const T*, \
                                 const PairInput<T>&);                                                          \
  template void SiluSum(Cpu, const GraphEdges&, int64_t, const T*, T*, T*);                                     \
  template void SiluSumBackward(Cpu, const GraphEdges&, int64_t, const T*, const T*, const T*, T*);             \
  template void MeanMoves(Cpu, const GraphEdges&, int64_t, T, const T*, const T*, const T*, T*, T*);            \
  template void MeanMovesBackward(Cpu, const GraphEdges&, int64_t, T, const T*, const T*, const T*, const T*,   \
                                  const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
