#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/cpu/permuted_graphs.h"
#include "kernels/cpu/scratch.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"
#include "kernels/permuted_linear.h"

// Let A be the gradient of the permuted adjacency matrix and F the gradient of the permuted features. Then
//
//   dsoft[i, r] = sum over c of x[i, c] F[r, c]
//               + sum over edges i -> j of A[r, rank j] + sum over edges j -> i of A[rank j, r].
//
// For undirected graphs this is a sum over neighbours of A + A^T, so the product dy * weight needs only half of its
// columns, with weights that are added up beforehand. A graph with s nodes uses only the ranks below s. The columns are
// therefore ordered by the larger rank of each pair, so that every graph needs a prefix of them. They are processed in
// parts, ranges of ranks; for each part only the rows of graphs large enough to reach it are multiplied. The rows are
// sorted by graph size, largest first, so these rows are a prefix, too.
namespace orbit::kernels {
namespace {

constexpr int64_t kColumnsAtOnce = 512;  // columns per part, enough to repay the packing in MatMul

// The columns of ranks [begin, end). Each rank q has its d features, A[0 .. q, q] and, for directed graphs only,
// A[q, 0 .. q].
struct Part {
  int64_t begin, end, columns, rows;
};

class StraightThrough {
 public:
  explicit StraightThrough(const PermutedGraphs& graphs)
      : graphs_(graphs), symmetric_(IsSymmetric(graphs)), order_(graphs.graphs) {
    std::iota(order_.begin(), order_.end(), int64_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) { return NumNodes(a) > NumNodes(b); });
    const int64_t largest = order_.empty() ? 0 : NumNodes(order_[0]);
    for (int64_t begin = 0, reaching = graphs.graphs; begin < largest;) {
      while (NumNodes(order_[reaching - 1]) <= begin) --reaching;
      Part part = {begin, begin, 0, reaching * graphs.samples};
      do part.columns += Columns(part.end++);
      while (part.end < largest && part.columns + Columns(part.end) <= kColumnsAtOnce);
      begin = part.end;
      parts_.push_back(part);
    }
  }

  template <class T>
  void Run(int64_t out, const T* x, const T* weight, const T* dy, T* dsoft) const {
    const int64_t sample_size = graphs_.samples * out;
    std::vector<int64_t> weight_begin = {0}, product_begin = {0};
    for (const Part& part : parts_) {
      weight_begin.push_back(weight_begin.back() + out * part.columns);
      product_begin.push_back(product_begin.back() + part.rows * part.columns);
    }
    Scratch<T> sorted(graphs_.graphs * sample_size), weights(weight_begin.back()), products(product_begin.back());
    T *rows = sorted.data(), *columns = weights.data(), *product = products.data();
    ParallelFor(graphs_.graphs, 4, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        std::copy_n(dy + order_[i] * sample_size, sample_size, rows + i * sample_size);
    });
    ParallelFor(out, 32, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        for (size_t p = 0; p < parts_.size(); ++p)
          GatherColumns(parts_[p], weight + o * graphs_.columns(), columns + weight_begin[p] + o * parts_[p].columns);
    });
    for (size_t p = 0; p < parts_.size(); ++p)
      MatMul(Cpu(), Transpose::kNo, Transpose::kNo, parts_[p].rows, parts_[p].columns, out, rows,
             columns + weight_begin[p], T(0), product + product_begin[p]);
    ParallelFor(graphs_.rows(), 8, [&](int64_t begin, int64_t end) {
      const int64_t n = graphs_.n;
      Scratch<T> scratch(n * graphs_.d + 2 * n * n);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t graph = order_[i / graphs_.samples], row = graph * graphs_.samples + i % graphs_.samples;
        const Gradients<T> gradients = {scratch.data(), scratch.data() + n * graphs_.d,
                                        scratch.data() + n * graphs_.d + (symmetric_ ? 0 : n * n)};
        for (size_t p = 0; p < parts_.size() && parts_[p].begin < NumNodes(graph); ++p)
          Spread(parts_[p], product + product_begin[p] + i * parts_[p].columns, gradients);
        Sum(graph, graphs_.ranks + row * n, x + graph * n * graphs_.d, gradients, dsoft + row * n * n);
      }
    });
  }

 private:
  template <class T>
  struct Gradients {
    T* features;   // F [n, d]
    T *to, *from;  // A^T and A [n, n]; for undirected graphs both point to A + A^T
  };

  int64_t NumNodes(int64_t graph) const { return graphs_.num_nodes ? graphs_.num_nodes[graph] : graphs_.n; }
  int64_t Columns(int64_t rank) const { return graphs_.d + (symmetric_ ? 1 : 2) * (rank + 1); }

  // Copies the part's columns of one output's weights.
  template <class T>
  void GatherColumns(const Part& part, const T* weights, T* columns) const {
    const int64_t n = graphs_.n, d = graphs_.d;
    const T* adjacency = weights + n * d;
    for (int64_t q = part.begin; q < part.end; ++q) {
      columns = std::copy_n(weights + q * d, d, columns);
      if (symmetric_) {
        for (int64_t r = 0; r <= q; ++r) *columns++ = adjacency[r * n + q] + adjacency[q * n + r];
      } else {
        for (int64_t r = 0; r <= q; ++r) *columns++ = adjacency[r * n + q];
        columns = std::copy_n(adjacency + q * n, q + 1, columns);
      }
    }
  }

  // The inverse of GatherColumns, for one row's gradient.
  template <class T>
  void Spread(const Part& part, const T* columns, const Gradients<T>& gradients) const {
    const int64_t n = graphs_.n, d = graphs_.d;
    for (int64_t q = part.begin; q < part.end; ++q) {
      std::copy_n(columns, d, gradients.features + q * d);
      columns += d;
      const T* reverse = symmetric_ ? columns : columns + q + 1;
      for (int64_t r = 0; r <= q; ++r) {
        gradients.to[q * n + r] = gradients.from[r * n + q] = columns[r];
        gradients.to[r * n + q] = gradients.from[q * n + r] = reverse[r];
      }
      columns = reverse + q + 1;
    }
  }

  // dsoft [n, n] for one row.
  template <class T>
  void Sum(int64_t graph, const int32_t* ranks, const T* x, const Gradients<T>& gradients, T* dsoft) const {
    const int64_t n = graphs_.n, d = graphs_.d, size = NumNodes(graph);
    const int32_t* offsets = graphs_.offsets + graph * n;
    std::fill_n(dsoft, n * n, T(0));
    const auto add = [size](const T* row, T* sum) {
      for (int64_t r = 0; r < size; ++r) sum[r] += row[r];
    };
    for (int64_t i = 0; i < size; ++i)
      for (int64_t c = 0; c < d; ++c)
        for (int64_t r = 0; r < size; ++r) dsoft[i * n + r] += x[i * d + c] * gradients.features[r * d + c];
    for (int64_t j = 0; j < size; ++j)
      for (int32_t e = offsets[j]; e < offsets[j + 1]; ++e) {
        const int64_t i = graphs_.sources[e];
        add(gradients.from + ranks[i] * n, dsoft + j * n);
        if (!symmetric_) add(gradients.to + ranks[j] * n, dsoft + i * n);
      }
  }

  const PermutedGraphs& graphs_;
  bool symmetric_;
  std::vector<int64_t> order_;  // graph numbers, largest graph first
  std::vector<Part> parts_;
};

}  // namespace

template <class Device, class T>
void PermutedLinearStraightThrough(Device, const PermutedGraphs& graphs, int64_t out, const T* x, const T* weight,
                                   const T* dy, T* dsoft) {
  StraightThrough(graphs).Run(out, x, weight, dy, dsoft);
}

#define ORBIT_INSTANTIATE(T) \
  template void PermutedLinearStraightThrough(Cpu, const PermutedGraphs&, int64_t, const T*, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
