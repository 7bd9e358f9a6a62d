#include "kernels/graph_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kElements = 1 << 12;  // per task

// A node's neighbours, itself first, and their attention weights for one head.
template <class T>
class Weights {
 public:
  void Compute(const GraphAttentionShape& shape, T slope, const int32_t* sources, int32_t begin, int32_t end, int64_t i,
               int64_t head, const T* from, const T* to) {
    neighbours.assign(1, static_cast<int32_t>(i));
    neighbours.insert(neighbours.end(), sources + begin, sources + end);
    weights.resize(neighbours.size());
    slopes.resize(neighbours.size());
    const T target = to[i * shape.heads + head];
    for (size_t e = 0; e < neighbours.size(); ++e) {
      const T score = from[neighbours[e] * shape.heads + head] + target;
      slopes[e] = score > 0 ? T(1) : slope;
      weights[e] = score * slopes[e];
    }
    const T largest = *std::max_element(weights.begin(), weights.end());
    T sum = 0;
    for (T& weight : weights) sum += weight = std::exp(weight - largest);
    for (T& weight : weights) weight /= sum;
  }

  std::vector<int32_t> neighbours;
  std::vector<T> weights, slopes;  // slopes: derivative of the leaky ReLU
};

// Calls f(first_offset, first_node) for every graph and sample: the index of its first offset and of its first node.
template <class F>
void ForGraphs(const GraphAttentionShape& shape, const F& f) {
  const int64_t size = std::max<int64_t>(1, shape.n * shape.heads * shape.channels);
  ParallelFor(shape.graphs * shape.samples, std::max<int64_t>(1, kElements / size), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) f(row / shape.samples * shape.n, row * shape.n);
  });
}

}  // namespace

template <class Device, class T>
void GraphAttention(Device, const GraphAttentionShape& shape, T slope, const int32_t* offsets, const int32_t* sources,
                    const T* z, const T* from, const T* to, T* y) {
  const int64_t heads = shape.heads, channels = shape.channels;
  ForGraphs(shape, [&](int64_t first_offset, int64_t first_node) {
    Weights<T> local;
    const T* z_graph = z + first_node * heads * channels;
    for (int64_t i = 0; i < shape.n; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        local.Compute(shape, slope, sources, offsets[first_offset + i], offsets[first_offset + i + 1], i, h,
                      from + first_node * heads, to + first_node * heads);
        T* y_row = y + ((first_node + i) * heads + h) * channels;
        std::fill(y_row, y_row + channels, T(0));
        for (size_t e = 0; e < local.neighbours.size(); ++e) {
          const T* z_row = z_graph + (local.neighbours[e] * heads + h) * channels;
          for (int64_t c = 0; c < channels; ++c) y_row[c] += local.weights[e] * z_row[c];
        }
      }
  });
}

template <class Device, class T>
void GraphAttentionBackward(Device, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                            const int32_t* sources, const T* z, const T* from, const T* to, const T* dy, T* dz,
                            T* dfrom, T* dto) {
  const int64_t heads = shape.heads, channels = shape.channels;
  ForGraphs(shape, [&](int64_t first_offset, int64_t first_node) {
    Weights<T> local;
    std::vector<T> dweights;
    const T* z_graph = z + first_node * heads * channels;
    T* dz_graph = dz + first_node * heads * channels;
    T *dfrom_graph = dfrom + first_node * heads, *dto_graph = dto + first_node * heads;
    std::fill(dz_graph, dz_graph + shape.n * heads * channels, T(0));
    std::fill(dfrom_graph, dfrom_graph + shape.n * heads, T(0));
    for (int64_t i = 0; i < shape.n; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        local.Compute(shape, slope, sources, offsets[first_offset + i], offsets[first_offset + i + 1], i, h,
                      from + first_node * heads, to + first_node * heads);
        const T* dy_row = dy + ((first_node + i) * heads + h) * channels;
        dweights.assign(local.neighbours.size(), T(0));
        T mean = 0;
        for (size_t e = 0; e < local.neighbours.size(); ++e) {
          const int64_t row = (local.neighbours[e] * heads + h) * channels;
          for (int64_t c = 0; c < channels; ++c) {
            dweights[e] += dy_row[c] * z_graph[row + c];
            dz_graph[row + c] += local.weights[e] * dy_row[c];
          }
          mean += local.weights[e] * dweights[e];
        }
        T sum = 0;
        for (size_t e = 0; e < local.neighbours.size(); ++e) {
          const T dscore = local.weights[e] * (dweights[e] - mean) * local.slopes[e];
          dfrom_graph[local.neighbours[e] * heads + h] += dscore;
          sum += dscore;
        }
        dto_graph[i * heads + h] = sum;
      }
  });
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void GraphAttention(Cpu, const GraphAttentionShape&, T, const int32_t*, const int32_t*, const T*, const T*, \
                               const T*, T*);                                                                          \
  template void GraphAttentionBackward(Cpu, const GraphAttentionShape&, T, const int32_t*, const int32_t*, const T*,   \
                                       const T*, const T*, const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
