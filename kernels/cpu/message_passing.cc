#include "kernels/message_passing.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kElements = 1 << 14;  // per task

template <int kChannels, class T>
void Add(int64_t channels, const T* from, T* to) {
  for (int64_t c = 0; c < (kChannels > 0 ? kChannels : channels); ++c) to[c] += from[c];
}

// Sums over the neighbours in one graph. kChannels is the number of channels if known at compile time, else 0.
template <int kChannels, class T>
void SumGraph(const MessageShape& shape, const int32_t* offsets, const int32_t* sources, int64_t num_nodes, T factor,
              const T* x, T* y) {
  const int64_t channels = kChannels > 0 ? kChannels : shape.channels, size = shape.rows() * channels;
  for (int64_t i = 0; i < size; ++i) y[i] = factor * x[i];
  const T* nodes = shape.hub ? x + channels : x;
  T* to = shape.hub ? y + channels : y;
  for (int64_t i = 0; i < shape.n; ++i)
    for (int32_t edge = offsets[i]; edge < offsets[i + 1]; ++edge)
      Add<kChannels>(channels, nodes + sources[edge] * channels, to + i * channels);
  if (!shape.hub) return;
  Add<kChannels>(channels, x, y);
  for (int64_t i = 0; i < num_nodes; ++i) {
    Add<kChannels>(channels, x, to + i * channels);
    Add<kChannels>(channels, nodes + i * channels, y);
  }
}

// SumGraph with a factor s per node, applied to senders and receivers, and a bias.
template <class T>
void SumNormalizedGraph(const MessageShape& shape, const int32_t* offsets, const int32_t* sources, T factor, const T* s,
                        const T* bias, const T* x, T* y) {
  const int64_t channels = shape.channels;
  for (int64_t i = 0; i < shape.n; ++i) {
    T* to = y + i * channels;
    for (int64_t c = 0; c < channels; ++c) to[c] = factor * s[i] * x[i * channels + c];
    for (int32_t edge = offsets[i]; edge < offsets[i + 1]; ++edge) {
      const T* from = x + sources[edge] * channels;
      const T weight = s[sources[edge]];
      for (int64_t c = 0; c < channels; ++c) to[c] += weight * from[c];
    }
    for (int64_t c = 0; c < channels; ++c) to[c] = s[i] * to[c] + (bias ? bias[c] : T(0));
  }
}

// Calls f(graph, offset of its features) for every graph and sample.
template <class F>
void ForMaps(const MessageShape& shape, const F& f) {
  const int64_t size = shape.rows() * shape.channels;
  ParallelFor(shape.graphs * shape.samples, std::max<int64_t>(1, kElements / std::max<int64_t>(1, size)),
              [&](int64_t begin, int64_t end) {
                for (int64_t r = begin; r < end; ++r) f(r / shape.samples, r * size);
              });
}

}  // namespace

template <class Device, class T>
void MessageSum(Device, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                const int32_t* num_nodes, const T* eps, const T* x, T* y) {
  const T factor = T(1) + *eps;
  const auto sum = shape.channels == 2 ? SumGraph<2, T> : shape.channels == 64 ? SumGraph<64, T> : SumGraph<0, T>;
  ForMaps(shape, [&](int64_t graph, int64_t at) {
    sum(shape, offsets + graph * shape.n, sources, num_nodes ? num_nodes[graph] : 0, factor, x + at, y + at);
  });
}

template <class Device, class T>
void NormalizedMessageSum(Device, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                          const T* eps, const T* s, const T* bias, const T* x, T* y) {
  ForMaps(shape, [&](int64_t graph, int64_t at) {
    SumNormalizedGraph(shape, offsets + graph * shape.n, sources, T(1) + *eps, s + graph * shape.n, bias, x + at,
                       y + at);
  });
}

template <class Device, class T>
void DotProduct(Device, int64_t size, const T* a, const T* b, T* result) {
  std::vector<T> partial(NumChunks(size, kElements), T(0));
  ParallelFor(size, kElements, [&](int64_t begin, int64_t end) {
    T sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += a[i] * b[i];
    partial[begin / kElements] = sum;
  });
  double total = 0;
  for (const T sum : partial) total += static_cast<double>(sum);
  *result = T(total);
}

template <class Device, class T>
void NodeMask(Device, int64_t graphs, int64_t n, const int32_t* num_nodes, T* mask) {
  for (int64_t i = 0; i < graphs * n; ++i) mask[i] = i % n < num_nodes[i / n] ? T(1) : T(0);
}

#define ORBIT_INSTANTIATE(T)                                                                                       \
  template void NormalizedMessageSum(Cpu, const MessageShape&, const int32_t*, const int32_t*, const T*, const T*, \
                                     const T*, const T*, T*);                                                      \
  template void MessageSum(Cpu, const MessageShape&, const int32_t*, const int32_t*, const int32_t*, const T*,     \
                           const T*, T*);                                                                          \
  template void NodeMask(Cpu, int64_t, int64_t, const int32_t*, T*);                                               \
  template void DotProduct(Cpu, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
