#include "kernels/permuted_linear.h"

#include <algorithm>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/cpu/permuted_graphs.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/permuted_linear.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.h"
// clang-format on

#ifndef ORBIT_KERNELS_CPU_PERMUTED_LINEAR_COLUMNS_
#define ORBIT_KERNELS_CPU_PERMUTED_LINEAR_COLUMNS_
namespace orbit::kernels {
namespace {

constexpr int64_t kOutputs = 16;  // outputs per block; a block's part of the weight stays in cache

// The nonzero inputs of every row as a sparse matrix: first the features, with their values, then the edges, with value
// 1. If all graphs are undirected, the two edges between a pair of nodes are stored once, in the column above the
// diagonal, and the weights of both are added up beforehand; that halves the work.
template <class T>
struct Columns {
  bool symmetric;
  std::vector<int64_t> begin, edges, end;  // [rows]: where a row's features begin, its edges begin and its edges end
  std::vector<int32_t> column;
  std::vector<T> value;

  Columns(const PermutedGraphs& graphs, const T* x)
      : symmetric(IsSymmetric(graphs)), begin(graphs.rows()), edges(graphs.rows()), end(graphs.rows()) {
    const int64_t n = graphs.n, d = graphs.d;
    int64_t size = 0;
    for (int64_t row = 0; row < graphs.rows(); ++row) {
      const int64_t graph = row / graphs.samples;
      begin[row] = size;
      size += std::count_if(x + graph * n * d, x + (graph + 1) * n * d, [](T feature) { return feature != T(0); });
      edges[row] = size;
      for (int64_t target = 0; target < n; ++target)
        for (int32_t e = graphs.offsets[graph * n + target]; e < graphs.offsets[graph * n + target + 1]; ++e)
          size += symmetric && graphs.sources[e] > target ? 0 : 1;
      end[row] = size;
    }
    column.resize(size);
    value.resize(size);
    ParallelFor(graphs.rows(), 16, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) Fill(graphs, x, row);
    });
  }

 private:
  void Fill(const PermutedGraphs& graphs, const T* x, int64_t row) {
    const int64_t n = graphs.n, d = graphs.d, graph = row / graphs.samples;
    const int32_t* ranks = graphs.ranks + row * n;
    const int32_t* offsets = graphs.offsets + graph * n;
    const T* features = x + graph * n * d;
    int64_t at = begin[row];
    for (int64_t i = 0; i < n * d; ++i) {
      if (features[i] == T(0)) continue;
      column[at] = static_cast<int32_t>(ranks[i / d] * d + i % d);
      value[at++] = features[i];
    }
    for (int64_t target = 0; target < n; ++target)
      for (int32_t e = offsets[target]; e < offsets[target + 1]; ++e) {
        if (symmetric && graphs.sources[e] > target) continue;
        int32_t row_rank = ranks[graphs.sources[e]], column_rank = ranks[target];
        if (symmetric && row_rank > column_rank) std::swap(row_rank, column_rank);
        column[at++] = static_cast<int32_t>(n * d + row_rank * n + column_rank);
      }
  }
};

// The transpose of Columns: for every column the rows that contain it, in order, and the values there.
template <class T>
struct ByColumn {
  std::vector<int64_t> begin;  // [columns + 1]
  std::vector<int32_t> row;
  std::vector<T> value;

  ByColumn(const Columns<T>& input, int64_t columns)
      : begin(columns + 1), row(input.column.size()), value(input.column.size()) {
    for (const int32_t c : input.column) ++begin[c + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<int64_t> next(begin.begin(), begin.end() - 1);
    for (size_t r = 0; r < input.begin.size(); ++r)
      for (int64_t i = input.begin[r]; i < input.end[r]; ++i) {
        const int64_t at = next[input.column[i]]++;
        row[at] = static_cast<int32_t>(r);
        value[at] = i < input.edges[r] ? input.value[i] : T(1);
      }
  }
};

constexpr int64_t kColumnsAtOnce = 64;  // columns transposed while they are in the L1 cache

// block [columns, kOutputs] = transpose of the rows [begin, end) of weight [out, columns]; missing outputs are 0.
template <class T>
void LoadBlock(const T* weight, int64_t columns, int64_t begin, int64_t end, T* block) {
  if (end - begin < kOutputs) std::fill(block, block + columns * kOutputs, T(0));
  for (int64_t first = 0; first < columns; first += kColumnsAtOnce) {
    const int64_t last = std::min(columns, first + kColumnsAtOnce);
    for (int64_t o = begin; o < end; ++o)
      for (int64_t c = first; c < last; ++c) block[c * kOutputs + o - begin] = weight[o * columns + c];
  }
}

// The inverse of LoadBlock.
template <class T>
void StoreBlock(const T* block, int64_t columns, int64_t begin, int64_t end, T* weight) {
  for (int64_t first = 0; first < columns; first += kColumnsAtOnce) {
    const int64_t last = std::min(columns, first + kColumnsAtOnce);
    for (int64_t o = begin; o < end; ++o)
      for (int64_t c = first; c < last; ++c) weight[o * columns + c] = block[c * kOutputs + o - begin];
  }
}

// Calls f(above, below) for every pair of the block's columns that mirror each other at the diagonal.
template <class T, class F>
void ForMirrored(const PermutedGraphs& graphs, T* block, const F& f) {
  const int64_t n = graphs.n;
  T* adjacency = block + n * graphs.d * kOutputs;
  for (int64_t r = 0; r < n; ++r)
    for (int64_t q = r + 1; q < n; ++q) f(adjacency + (r * n + q) * kOutputs, adjacency + (q * n + r) * kOutputs);
}

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_PERMUTED_LINEAR_COLUMNS_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// Vectors per block of outputs.
template <class T>
constexpr int64_t kVectors = kOutputs / kLanes<T>;

// sums [kOutputs] += sum over the row's columns of value * weights of that column, block [columns, kOutputs].
template <class T>
void SumColumns(const Columns<T>& input, int64_t row, const T* block, T* sums) {
  const Tag<T> d;
  Vector<T> sum[kVectors<T>];
  for (int64_t v = 0; v < kVectors<T>; ++v) sum[v] = hn::LoadU(d, sums + v * kLanes<T>);
  for (int64_t i = input.begin[row]; i < input.edges[row]; ++i) {
    const auto value = hn::Set(d, input.value[i]);
    const T* weights = block + input.column[i] * kOutputs;
    for (int64_t v = 0; v < kVectors<T>; ++v) sum[v] = hn::MulAdd(value, hn::LoadU(d, weights + v * kLanes<T>), sum[v]);
  }
  for (int64_t i = input.edges[row]; i < input.end[row]; ++i) {
    const T* weights = block + input.column[i] * kOutputs;
    for (int64_t v = 0; v < kVectors<T>; ++v) sum[v] = hn::Add(hn::LoadU(d, weights + v * kLanes<T>), sum[v]);
  }
  for (int64_t v = 0; v < kVectors<T>; ++v) hn::StoreU(sum[v], d, sums + v * kLanes<T>);
}

// block [columns, kOutputs]: for every column the sum of value * gradient over its rows; gradients [rows, kOutputs].
template <class T>
void SumGradients(const ByColumn<T>& input, const T* gradients, T* block) {
  const Tag<T> d;
  for (size_t c = 0; c + 1 < input.begin.size(); ++c) {
    Vector<T> sum[kVectors<T>];
    for (int64_t v = 0; v < kVectors<T>; ++v) sum[v] = hn::Zero(d);
    for (int64_t i = input.begin[c]; i < input.begin[c + 1]; ++i) {
      const auto value = hn::Set(d, input.value[i]);
      const T* from = gradients + input.row[i] * kOutputs;
      for (int64_t v = 0; v < kVectors<T>; ++v) sum[v] = hn::MulAdd(value, hn::LoadU(d, from + v * kLanes<T>), sum[v]);
    }
    for (int64_t v = 0; v < kVectors<T>; ++v) hn::StoreU(sum[v], d, block + c * kOutputs + v * kLanes<T>);
  }
}

template <class T>
void Forward(const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight, const T* bias, T* y) {
  const int64_t columns = graphs.columns();
  const Columns<T> input(graphs, x);
  ParallelFor(out, kOutputs, [&](int64_t begin, int64_t end) {
    Scratch<T> scratch(columns * kOutputs);
    T* block = scratch.data();
    LoadBlock(weight, columns, begin, end, block);
    if (input.symmetric)
      ForMirrored(graphs, block, [](T* above, const T* below) {
        for (int64_t o = 0; o < kOutputs; ++o) above[o] += below[o];
      });
    for (int64_t row = 0; row < graphs.rows(); ++row) {
      T sums[kOutputs] = {};
      std::copy(bias + begin, bias + end, sums);
      SumColumns(input, row, block, sums);
      std::copy(sums, sums + (end - begin), y + row * out + begin);
    }
  });
}

template <class T>
void Backward(const PermutedGraphs& graphs, int64_t out, const T* x, const T* dy, T* dweight) {
  const int64_t columns = graphs.columns(), rows = graphs.rows();
  const Columns<T> input(graphs, x);
  const ByColumn<T> by_column(input, columns);
  ParallelFor(out, kOutputs, [&](int64_t begin, int64_t end) {
    Scratch<T> scratch((columns + rows) * kOutputs);
    T *block = scratch.data(), *gradients = block + columns * kOutputs;
    if (end - begin < kOutputs) std::fill_n(gradients, rows * kOutputs, T(0));
    for (int64_t row = 0; row < rows; ++row)
      std::copy(dy + row * out + begin, dy + row * out + end, gradients + row * kOutputs);
    SumGradients(by_column, gradients, block);
    if (input.symmetric)
      ForMirrored(graphs, block, [](const T* above, T* below) { std::copy(above, above + kOutputs, below); });
    StoreBlock(block, columns, begin, end, dweight);
  });
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Forward)
ORBIT_EXPORT(Backward)

}  // namespace

template <class Device, class T>
void PermutedLinear(Device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight, const T* bias,
                    T* y) {
  Forward<T>(graphs, out, x, weight, bias, y);
}

template <class Device, class T>
void PermutedLinearBackward(Device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* dy, T* dweight) {
  Backward<T>(graphs, out, x, dy, dweight);
}

#define ORBIT_INSTANTIATE(T)                                                                           \
  template void PermutedLinear(Cpu, const PermutedGraphs&, int64_t, const T*, const T*, const T*, T*); \
  template void PermutedLinearBackward(Cpu, const PermutedGraphs&, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
