#include "kernels/patch_tokens.h"

#include <algorithm>
#include <numeric>
#include <type_traits>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/patch_tokens.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.h"
// clang-format on

#ifndef ORBIT_KERNELS_CPU_PATCH_TOKENS_ENTRIES_
#define ORBIT_KERNELS_CPU_PATCH_TOKENS_ENTRIES_
namespace orbit::kernels {
namespace {

constexpr int64_t kBlock = 64;         // elements on a side of what is transposed while it is in the L1 cache
constexpr int64_t kRowAlignment = 16;  // elements: rows of weights and gradients are padded to whole vectors

inline int64_t PaddedWidth(int64_t width) { return (width + kRowAlignment - 1) / kRowAlignment * kRowAlignment; }

// The positions of every rank on an axis, as the patch and the pixel within it.
struct Places {
  struct Place {
    int32_t cell, pixel;
  };
  std::vector<int32_t> begin = {0};  // [n + 1]
  std::vector<Place> place;

  explicit Places(const PatchAxis& axis) {
    for (int rank = 0; rank < axis.n; ++rank) {
      for (int k = 0; k < axis.most_positions(); ++k)
        if (const int at = axis.Position(rank, k); at >= 0) place.push_back({at / axis.patch, at % axis.patch});
      begin.push_back(static_cast<int32_t>(place.size()));
    }
  }
};

// The inputs that are not 0, as a sparse matrix with a row for every token of every row.
template <class T>
struct Entries {
  std::vector<int64_t> begin;  // [rows tokens + 1]
  std::vector<int32_t> column;
  std::vector<T> value;

  Entries(const PatchedGraphs& graphs, const T* edge_features, const T* node_features)
      : begin(graphs.rows() * graphs.tokens() + 1) {
    const Places places(graphs.axis);
    const int64_t tokens = graphs.tokens();
    ParallelFor(graphs.rows(), 1, [&](int64_t row, int64_t) {
      int64_t* count = begin.data() + row * tokens + 1;
      ForEntries(graphs, places, edge_features, node_features, row, [&](int64_t token, int64_t, T) { ++count[token]; });
    });
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    column.resize(begin.back());
    value.resize(begin.back());
    ParallelFor(graphs.rows(), 1, [&](int64_t row, int64_t) {
      std::vector<int64_t> next(begin.begin() + row * tokens, begin.begin() + (row + 1) * tokens);
      ForEntries(graphs, places, edge_features, node_features, row, [&](int64_t token, int64_t c, T feature) {
        column[next[token]] = static_cast<int32_t>(c);
        value[next[token]++] = feature;
      });
    });
  }

 private:
  // Calls f(token, column, value) for all inputs of a row, in a fixed order.
  template <class F>
  static void ForEntries(const PatchedGraphs& graphs, const Places& places, const T* edge_features,
                         const T* node_features, int64_t row, const F& f) {
    const int64_t n = graphs.axis.n, grid = graphs.axis.grid, patch = graphs.axis.patch, pixels = graphs.pixels();
    const int64_t graph = row / graphs.samples;
    const int32_t *ranks = graphs.ranks + row * n, *offsets = graphs.offsets + graph * n;
    // One pixel's channels, from channel `first`.
    const auto pixel = [&](Places::Place from, Places::Place to, const T* features, int64_t count, int64_t first) {
      const int64_t token = from.cell * grid + to.cell, at = from.pixel * patch + to.pixel;
      if (features == nullptr) return f(token, at, T(1));
      for (int64_t c = 0; c < count; ++c)
        if (features[c] != T(0)) f(token, (first + c) * pixels + at, features[c]);
    };
    const auto pair = [&](int32_t from, int32_t to, const T* features, int64_t count, int64_t first) {
      for (int32_t u = places.begin[from]; u < places.begin[from + 1]; ++u)
        for (int32_t v = places.begin[to]; v < places.begin[to + 1]; ++v)
          pixel(places.place[u], places.place[v], features, count, first);
    };
    for (int64_t target = 0; target < n; ++target)
      for (int32_t e = offsets[target]; e < offsets[target + 1]; ++e)
        pair(ranks[graphs.sources[e]], ranks[target],
             edge_features ? edge_features + e * graphs.edge_channels : nullptr, graphs.edge_channels, 0);
    if (graphs.node_channels == 0) return;
    for (int64_t node = 0; node < n; ++node)
      pair(ranks[node], ranks[node], node_features + (graph * n + node) * graphs.node_channels, graphs.node_channels,
           graphs.edge_channels);
  }
};

// The transpose of Entries: for every column the tokens that have it, in order, and the values there.
template <class T>
struct ByColumn {
  std::vector<int64_t> begin;  // [columns + 1]
  std::vector<int32_t> token;  // counted through all rows
  std::vector<T> value;

  ByColumn(const Entries<T>& entries, int64_t columns)
      : begin(columns + 1), token(entries.column.size()), value(entries.column.size()) {
    for (const int32_t c : entries.column) ++begin[c + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<int64_t> next(begin.begin(), begin.end() - 1);
    for (size_t t = 0; t + 1 < entries.begin.size(); ++t)
      for (int64_t i = entries.begin[t]; i < entries.begin[t + 1]; ++i) {
        const int64_t at = next[entries.column[i]]++;
        token[at] = static_cast<int32_t>(t);
        value[at] = entries.value[i];
      }
  }
};

// y [columns, stride] = the transpose of x [rows, columns]; what is between rows and stride is 0.
template <class T>
void TransposePadded(int64_t rows, int64_t columns, int64_t stride, const T* x, T* y) {
  ParallelFor(columns, kBlock, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) std::fill(y + c * stride + rows, y + (c + 1) * stride, T(0));
    for (int64_t first = 0; first < rows; first += kBlock)
      for (int64_t r = first; r < std::min(rows, first + kBlock); ++r)
        for (int64_t c = begin; c < end; ++c) y[c * stride + r] = x[r * columns + c];
  });
}

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_PATCH_TOKENS_ENTRIES_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// y [width] = bias + the sum over entries [begin, end) of value[i] * x[row[i], :]; rows of x have `stride` elements.
// kVectors vectors of y at a time stay in registers.
template <class T>
void SumRows(int64_t width, int64_t stride, int64_t begin, int64_t end, const int32_t* row, const T* value, const T* x,
             const T* bias, T* y) {
  constexpr int64_t kVectors = 8, kBlockWidth = kVectors * kLanes<T>;
  static_assert(kRowAlignment % kLanes<T> == 0);
  const Tag<T> d;
  int64_t first = 0;
  for (; first + kBlockWidth <= width; first += kBlockWidth) {
    Vector<T> sum[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) sum[v] = bias ? hn::LoadU(d, bias + first + v * kLanes<T>) : hn::Zero(d);
    for (int64_t i = begin; i < end; ++i) {
      const auto factor = hn::Set(d, value[i]);
      const T* from = x + row[i] * stride + first;
      for (int64_t v = 0; v < kVectors; ++v) sum[v] = hn::MulAdd(factor, hn::LoadU(d, from + v * kLanes<T>), sum[v]);
    }
    for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], d, y + first + v * kLanes<T>);
  }
  for (; first < width; first += kLanes<T>) {
    auto sum = bias ? LoadFirst<T>(bias + first, width - first) : hn::Zero(d);
    for (int64_t i = begin; i < end; ++i)
      sum = hn::MulAdd(hn::Set(d, value[i]), hn::LoadU(d, x + row[i] * stride + first), sum);
    StoreFirst<T>(sum, y + first, width - first);
  }
}

template <class T>
void Forward(const PatchedGraphs& graphs, int64_t width, const T* edge_features, const T* node_features,
             const T* weight, const T* bias, T* y) {
  const Entries<T> entries(graphs, edge_features, node_features);
  const int64_t stride = PaddedWidth(width);
  Scratch<T> scratch(graphs.columns() * stride);
  T* transposed = scratch.data();
  TransposePadded(width, graphs.columns(), stride, weight, transposed);
  ParallelFor(graphs.rows() * graphs.tokens(), 32, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t)
      SumRows(width, stride, entries.begin[t], entries.begin[t + 1], entries.column.data(), entries.value.data(),
              transposed, bias, y + t * width);
  });
}

template <class T>
void Backward(const PatchedGraphs& graphs, int64_t width, const T* edge_features, const T* node_features, const T* dy,
              T* dweight) {
  const int64_t columns = graphs.columns(), stride = PaddedWidth(width);
  const ByColumn<T> entries(Entries<T>(graphs, edge_features, node_features), columns);
  // Rows of dy are loaded in whole vectors.
  const int64_t tokens = graphs.rows() * graphs.tokens();
  Scratch<T> scratch(stride == width ? 0 : tokens * stride);
  const T* gradients = dy;
  if (stride != width) {
    T* padded = scratch.data();
    ParallelFor(tokens, 64, [&](int64_t first, int64_t last) {
      for (int64_t t = first; t < last; ++t)
        std::fill(std::copy_n(dy + t * width, width, padded + t * stride), padded + (t + 1) * stride, T(0));
    });
    gradients = padded;
  }
  ParallelFor(columns, kBlock, [&](int64_t begin, int64_t end) {
    Scratch<T> sums(kBlock * stride);
    T* block = sums.data();
    for (int64_t c = begin; c < end; ++c)
      SumRows<T>(width, stride, entries.begin[c], entries.begin[c + 1], entries.token.data(), entries.value.data(),
                 gradients, nullptr, block + (c - begin) * stride);
    for (int64_t o = 0; o < width; ++o)
      for (int64_t c = begin; c < end; ++c) dweight[o * columns + c] = block[(c - begin) * stride + o];
  });
}

// sum [size] += factor * x.
template <class T>
void AddScaled(int64_t size, T factor, const T* x, T* sum) {
  const Tag<T> d;
  const auto f = hn::Set(d, factor);
  int64_t i = 0;
  for (; i + kLanes<T> <= size; i += kLanes<T>)
    hn::StoreU(hn::MulAdd(f, hn::LoadU(d, x + i), hn::LoadU(d, sum + i)), d, sum + i);
  for (; i < size; ++i) sum[i] += factor * x[i];
}

// Let G be the gradient of one channel of a row's image, for the pairs of ranks below the graph's size. Then
//
//   dsoft[i, r] += sum over edges i -> j of feature * G[r, rank j] + sum over edges j -> i of feature * G[rank j, r],
//
// where a node's features count as an edge from it to itself. Of the product dy * weight, in which G's pixels lie patch
// by patch, only the patches are computed that have such ranks.
template <class T>
class StraightThrough {
 public:
  StraightThrough(const PatchedGraphs& graphs, int64_t width, const T* edge_features, const T* node_features,
                  const T* weight)
      : graphs_(graphs),
        n_(graphs.axis.n),
        width_(width),
        edge_features_(edge_features),
        node_features_(node_features),
        transposed_(graphs.columns() * width) {
    TransposePadded(width, graphs.columns(), width, weight, transposed_.data());
    weights_ = transposed_.data();
  }

  void Run(const T* dy, T* dsoft) const {
    ParallelFor(graphs_.rows(), 1, [&](int64_t row, int64_t) { RunRow(row, dy, dsoft + row * n_ * n_); });
  }

 private:
  void RunRow(int64_t row, const T* dy, T* dsoft) const {
    const int64_t graph = row / graphs_.samples, tokens = graphs_.tokens(), pixels = graphs_.pixels();
    const int64_t size = graphs_.num_nodes ? graphs_.num_nodes[graph] : n_;
    std::fill_n(dsoft, n_ * n_, T(0));
    const std::vector<int32_t> cells = CellsOf(size);
    const auto sides = static_cast<int64_t>(cells.size());
    Scratch<T> scratch(sides * sides * (width_ + pixels) + 2 * size * size);
    T *gradients = scratch.data(), *patches = gradients + sides * sides * width_;
    T *image = patches + sides * sides * pixels, *transposed = image + size * size;
    for (int64_t y = 0; y < sides; ++y)
      for (int64_t x = 0; x < sides; ++x)
        std::copy_n(dy + (row * tokens + cells[y] * graphs_.axis.grid + cells[x]) * width_, width_,
                    gradients + (y * sides + x) * width_);
    for (int64_t channel = 0; channel < graphs_.channels(); ++channel) {
      if (!IsUsed(graph, channel)) continue;
      MatMul(Cpu(), Transpose::kNo, Transpose::kYes, sides * sides, pixels, width_, gradients,
             weights_ + channel * pixels * width_, T(0), patches);
      Fold(cells, size, patches, image, transposed);
      Sum(row, channel, size, image, transposed, dsoft);
    }
  }

  // The patches along an axis that have ranks below `size`.
  std::vector<int32_t> CellsOf(int64_t size) const {
    std::vector<int32_t> cells;
    for (int cell = 0; cell < graphs_.axis.grid; ++cell)
      for (int pixel = 0; pixel < graphs_.axis.patch; ++pixel) {
        const int rank = graphs_.axis.RankAt(cell * graphs_.axis.patch + pixel);
        if (rank < 0 || rank >= size) continue;
        cells.push_back(cell);
        break;
      }
    return cells;
  }

  // Calls f(source, target, feature) for all edges of a graph that have the channel.
  template <class F>
  void ForEdges(int64_t graph, int64_t channel, const F& f) const {
    if (channel >= graphs_.edge_channels) {
      for (int64_t node = 0; node < n_; ++node) {
        const T feature = node_features_[(graph * n_ + node) * graphs_.node_channels + channel - graphs_.edge_channels];
        if (feature != T(0)) f(node, node, feature);
      }
      return;
    }
    const int32_t* offsets = graphs_.offsets + graph * n_;
    for (int64_t target = 0; target < n_; ++target)
      for (int32_t e = offsets[target]; e < offsets[target + 1]; ++e) {
        const T feature = edge_features_ ? edge_features_[e * graphs_.edge_channels + channel] : T(1);
        if (feature != T(0)) f(graphs_.sources[e], target, feature);
      }
  }

  bool IsUsed(int64_t graph, int64_t channel) const {
    bool used = false;
    ForEdges(graph, channel, [&](int64_t, int64_t, T) { used = true; });
    return used;
  }

  // image [size, size] and its transpose from the pixels of the patches of `cells`.
  void Fold(const std::vector<int32_t>& cells, int64_t size, const T* patches, T* image, T* transposed) const {
    const PatchAxis& axis = graphs_.axis;
    const auto sides = static_cast<int64_t>(cells.size());
    std::fill_n(image, 2 * size * size, T(0));
    for (int64_t y = 0; y < sides; ++y)
      for (int dy = 0; dy < axis.patch; ++dy) {
        const int r = axis.RankAt(cells[y] * axis.patch + dy);
        if (r < 0 || r >= size) continue;
        for (int64_t x = 0; x < sides; ++x) {
          const T* pixel = patches + ((y * sides + x) * axis.patch + dy) * axis.patch;
          for (int dx = 0; dx < axis.patch; ++dx) {
            const int q = axis.RankAt(cells[x] * axis.patch + dx);
            if (q < 0 || q >= size) continue;
            image[r * size + q] += pixel[dx];
          }
        }
      }
    for (int64_t first = 0; first < size; first += kBlock)
      for (int64_t r = 0; r < size; ++r)
        for (int64_t q = first; q < std::min(size, first + kBlock); ++q) transposed[q * size + r] = image[r * size + q];
  }

  void Sum(int64_t row, int64_t channel, int64_t size, const T* image, const T* transposed, T* dsoft) const {
    const int32_t* ranks = graphs_.ranks + row * n_;
    ForEdges(row / graphs_.samples, channel, [&](int64_t source, int64_t target, T feature) {
      if (source >= size || target >= size) return;
      AddScaled(size, feature, transposed + ranks[target] * size, dsoft + source * n_);
      AddScaled(size, feature, image + ranks[source] * size, dsoft + target * n_);
    });
  }

  const PatchedGraphs& graphs_;
  int64_t n_, width_;
  const T *edge_features_, *node_features_;
  Scratch<T> transposed_;  // the weight, [columns, width]
  const T* weights_;
};

template <class T>
void RunStraightThrough(const PatchedGraphs& graphs, int64_t width, const T* edge_features, const T* node_features,
                        const T* weight, const T* dy, T* dsoft) {
  StraightThrough<T>(graphs, width, edge_features, node_features, weight).Run(dy, dsoft);
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Forward)
ORBIT_EXPORT(Backward)
ORBIT_EXPORT(RunStraightThrough)

}  // namespace

template <class Device, class T>
void PatchTokens(Device, const PatchedGraphs& graphs, int64_t width, const T* edge_features, const T* node_features,
                 const T* weight, const T* bias, T* y) {
  Forward<T>(graphs, width, edge_features, node_features, weight, bias, y);
}

template <class Device, class T>
void PatchTokensBackward(Device, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                         const T* node_features, const T* dy, T* dweight) {
  Backward<T>(graphs, width, edge_features, node_features, dy, dweight);
}

template <class Device, class T>
void PatchTokensStraightThrough(Device, const PatchedGraphs& graphs, int64_t width, const T* edge_features,
                                const T* node_features, const T* weight, const T* dy, T* dsoft) {
  RunStraightThrough<T>(graphs, width, edge_features, node_features, weight, dy, dsoft);
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void PatchTokens(Cpu, const PatchedGraphs&, int64_t, const T*, const T*, const T*, const T*, T*);           \
  template void PatchTokensBackward(Cpu, const PatchedGraphs&, int64_t, const T*, const T*, const T*, T*);             \
  template void PatchTokensStraightThrough(Cpu, const PatchedGraphs&, int64_t, const T*, const T*, const T*, const T*, \
                                           T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
