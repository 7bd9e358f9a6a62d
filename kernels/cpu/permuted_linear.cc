#include "kernels/permuted_linear.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kOutputs = 16;  // of a block, whose share of the weight is to stay in the cache

// The columns of every row's input that are not 0: those of features with their values, then those of edges, which
// are 1.
template <class T>
struct Columns {
  std::vector<int64_t> begin, edges, end;  // [rows]: where a row's features and edges begin, and its edges end
  std::vector<int32_t> column;
  std::vector<T> value;

  Columns(const PermutedGraphs& graphs, const T* x) : begin(graphs.rows()), edges(graphs.rows()), end(graphs.rows()) {
    const int64_t n = graphs.n, d = graphs.d;
    int64_t size = 0;
    for (int64_t row = 0; row < graphs.rows(); ++row) {
      const int64_t graph = row / graphs.samples;
      begin[row] = size;
      size += std::count_if(x + graph * n * d, x + (graph + 1) * n * d, [](T feature) { return feature != T(0); });
      edges[row] = size;
      size += graphs.offsets[(graph + 1) * n] - graphs.offsets[graph * n];
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
      for (int32_t e = offsets[target]; e < offsets[target + 1]; ++e)
        column[at++] = static_cast<int32_t>(n * d + ranks[graphs.sources[e]] * n + ranks[target]);
  }
};

// block [columns, kOutputs] <- weight [out, columns], rows [begin, end); the missing outputs are 0.
template <class T>
void LoadBlock(const T* weight, int64_t columns, int64_t begin, int64_t end, T* block) {
  std::fill(block, block + columns * kOutputs, T(0));
  for (int64_t o = begin; o < end; ++o)
    for (int64_t c = 0; c < columns; ++c) block[c * kOutputs + o - begin] = weight[o * columns + c];
}

template <class T>
void Add(T factor, const T* from, T* to) {
  for (int64_t o = 0; o < kOutputs; ++o) to[o] += factor * from[o];
}

template <class T>
void Add(const T* from, T* to) {
  for (int64_t o = 0; o < kOutputs; ++o) to[o] += from[o];
}

}  // namespace

template <class Device, class T>
void PermutedLinear(Device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight, const T* bias,
                    T* y) {
  const int64_t columns = graphs.columns();
  const Columns<T> input(graphs, x);
  ParallelFor(out, kOutputs, [&](int64_t begin, int64_t end) {
    Scratch<T> scratch(columns * kOutputs);
    T* block = scratch.data();
    LoadBlock(weight, columns, begin, end, block);
    for (int64_t row = 0; row < graphs.rows(); ++row) {
      T sums[kOutputs] = {};
      std::copy(bias + begin, bias + end, sums);
      for (int64_t i = input.begin[row]; i < input.edges[row]; ++i)
        Add(input.value[i], block + input.column[i] * kOutputs, sums);
      for (int64_t i = input.edges[row]; i < input.end[row]; ++i) Add(block + input.column[i] * kOutputs, sums);
      std::copy(sums, sums + (end - begin), y + row * out + begin);
    }
  });
}

template <class Device, class T>
void PermutedLinearBackward(Device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* dy, T* dweight) {
  const int64_t columns = graphs.columns();
  const Columns<T> input(graphs, x);
  ParallelFor(out, kOutputs, [&](int64_t begin, int64_t end) {
    Scratch<T> scratch(columns * kOutputs);
    T* block = scratch.data();
    std::fill(block, block + columns * kOutputs, T(0));
    for (int64_t row = 0; row < graphs.rows(); ++row) {
      T gradient[kOutputs] = {};
      std::copy(dy + row * out + begin, dy + row * out + end, gradient);
      for (int64_t i = input.begin[row]; i < input.edges[row]; ++i)
        Add(input.value[i], gradient, block + input.column[i] * kOutputs);
      for (int64_t i = input.edges[row]; i < input.end[row]; ++i) Add(gradient, block + input.column[i] * kOutputs);
    }
    for (int64_t o = begin; o < end; ++o)
      for (int64_t c = 0; c < columns; ++c) dweight[o * columns + c] = block[c * kOutputs + o - begin];
  });
}

template <class Device, class T>
void PermutedLinearStraightThrough(Device, const PermutedGraphs& graphs, const T* x, const T* dinput, T* dsoft) {
  const int64_t n = graphs.n, d = graphs.d;
  ParallelFor(graphs.rows(), 1, [&](int64_t begin, int64_t end) {
    Scratch<T> scratch(n * n);
    T* transposed = scratch.data();  // of the adjacency's gradient
    for (int64_t row = begin; row < end; ++row) {
      const int64_t graph = row / graphs.samples;
      const int32_t* offsets = graphs.offsets + graph * n;
      const int32_t* ranks = graphs.ranks + row * n;
      const T* features = x + graph * n * d;
      const T* dfeatures = dinput + row * graphs.columns();  // [n, d], by rank
      const T* dadjacency = dfeatures + n * d;               // [n, n], by ranks of source and target
      T* result = dsoft + row * n * n;
      for (int64_t r = 0; r < n; ++r)
        for (int64_t q = 0; q < n; ++q) transposed[q * n + r] = dadjacency[r * n + q];
      for (int64_t i = 0; i < n; ++i)
        for (int64_t r = 0; r < n; ++r) {
          T sum = 0;
          for (int64_t c = 0; c < d; ++c) sum += features[i * d + c] * dfeatures[r * d + c];
          result[i * n + r] = sum;
        }
      // Input[r, q] = sum over edges i -> j of P[i, r] P[j, q].
      for (int64_t j = 0; j < n; ++j)
        for (int32_t e = offsets[j]; e < offsets[j + 1]; ++e) {
          const int64_t i = graphs.sources[e];
          const T* along = transposed + ranks[j] * n;
          for (int64_t r = 0; r < n; ++r) result[i * n + r] += along[r];
          const T* back = dadjacency + ranks[i] * n;
          for (int64_t q = 0; q < n; ++q) result[j * n + q] += back[q];
        }
    }
  });
}

#define ORBIT_INSTANTIATE(T)                                                                           \
  template void PermutedLinear(Cpu, const PermutedGraphs&, int64_t, const T*, const T*, const T*, T*); \
  template void PermutedLinearBackward(Cpu, const PermutedGraphs&, int64_t, const T*, const T*, T*);   \
  template void PermutedLinearStraightThrough(Cpu, const PermutedGraphs&, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
