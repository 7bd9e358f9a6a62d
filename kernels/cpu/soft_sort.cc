#include "kernels/soft_sort.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/soft_sort.cc"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.h"
#include "kernels/cpu/sinkhorn_line-inl.h"
#include "kernels/error.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// Working memory for kGroup score vectors, processed side by side.
class Group {
 public:
  Group(int64_t n, int ratio_slots) : stride_(n * kGroup), memory_((2 * ratio_slots + 9) * stride_) {
    double* next = memory_.data();
    const auto take = [&](int64_t arrays) { return (next += arrays * stride_) - arrays * stride_; };
    ratios_ = take(2 * ratio_slots);
    inverse = take(1);
    scratch = take(1);
    adjoint = {take(1), take(1), take(1), take(1), take(1), take(1), take(1)};
  }

  double* P(int slot) const { return ratios_ + 2 * slot * stride_; }
  double* Q(int slot) const { return P(slot) + stride_; }

  double *inverse, *scratch;
  Adjoint adjoint;
  int64_t sizes[kGroup] = {}, size = 0;  // sizes: of each vector; size: of the longest

 private:
  int64_t stride_;
  Scratch<double> memory_;
  double* ratios_;
};

void SetSizes(const SoftSortProblem& problem, int64_t row, int64_t count, Group& group) {
  group.size = 0;
  for (int64_t lane = 0; lane < kGroup; ++lane) {
    group.sizes[lane] = lane >= count       ? 0
                        : problem.num_nodes ? problem.num_nodes[(row + lane) / problem.samples]
                                            : problem.n;
    group.size = std::max(group.size, group.sizes[lane]);
  }
}

// Sorts by counting: a node's rank is the number of nodes that come before it.
template <class T>
void Sort(int64_t n, int64_t count, const T* scores, Group& group, int32_t* index) {
  const Tag<double> d;
  const hn::RebindToSigned<Tag<double>> counts;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double* keys = group.scratch;
  for (int64_t i = 0; i < group.size; ++i)
    for (int64_t lane = 0; lane < kGroup; ++lane) {
      const double score = i < group.sizes[lane] ? static_cast<double>(scores[lane * n + i]) : -kInfinity;
      keys[i * kGroup + lane] = std::isnan(score) ? kInfinity : score;
    }
  for (int64_t i = 0; i < group.size; ++i) {
    const auto key = hn::Load(d, keys + i * kGroup);
    auto rank = hn::Zero(counts);  // counts by subtracting masks, which are -1 where true
    int64_t k = 0;
    for (; k < i * kGroup; k += kGroup)
      rank = hn::Sub(rank, hn::BitCast(counts, hn::VecFromMask(d, hn::Ge(hn::Load(d, keys + k), key))));
    for (; k < group.size * kGroup; k += kGroup)
      rank = hn::Sub(rank, hn::BitCast(counts, hn::VecFromMask(d, hn::Gt(hn::Load(d, keys + k), key))));
    HWY_ALIGN int64_t ranks[kGroup];
    hn::Store(rank, counts, ranks);
    for (int64_t lane = 0; lane < count; ++lane)
      if (i < group.sizes[lane]) index[lane * n + ranks[lane]] = static_cast<int32_t>(i);
  }
  for (int64_t lane = 0; lane < count; ++lane)
    for (int64_t i = group.sizes[lane]; i < n; ++i) index[lane * n + i] = static_cast<int32_t>(i);
}

// Runs the half iterations. The initial ratios go to slot 0, those that half iteration h receives to slot h % slots.
template <class T>
void Iterate(int64_t n, const T* scores, const int32_t* index, double tau, int half_iterations, int slots,
             Group& group) {
  double* gaps = group.scratch;
  std::fill_n(gaps, group.size * kGroup, std::numeric_limits<double>::infinity());
  for (int64_t lane = 0; lane < kGroup; ++lane)
    for (int64_t i = 1; i < group.sizes[lane]; ++i) {
      const T* s = scores + lane * n;
      const int32_t* node = index + lane * n + i;
      gaps[i * kGroup + lane] = (static_cast<double>(s[node[-1]]) - static_cast<double>(s[node[0]])) / tau;
    }
  StartRatios(group.size, gaps, group.P(0), group.Q(0));
  for (int h = 0; h < half_iterations; ++h)
    HalfIteration(group.size, group.P(h % slots), group.Q(h % slots), group.scratch, group.P((h + 1) % slots),
                  group.Q((h + 1) % slots), group.inverse);
}

// Visits one strict triangle of P in sorted order, row by row away from the diagonal, in vectors of columns: entry j of
// a row is entry j of the previous row times a ratio. `ratio` and `diagonal` point to one lane; `run` is scratch for
// `width` columns, a multiple of the vector length. A vector that crosses the triangle's edge has zeros outside.
template <bool upper, class T, class Visitor>
void VisitTriangle(int64_t size, int64_t width, const double* ratio, const double* diagonal, T* HWY_RESTRICT run,
                   Visitor& visitor) {
  const Tag<T> d;
  // smaller products become 0, which avoids denormal numbers
  const auto least = hn::Set(d, std::is_same_v<T, float> ? T(1e-30) : T(1e-290));
  std::fill_n(run, width, T(0));
  for (int64_t step = 0; step < size; ++step) {
    const int64_t i = upper ? size - 1 - step : step;
    const auto r = hn::Set(d, step == 0 ? T(0) : static_cast<T>(ratio[(upper ? i + 1 : i) * kGroup]));
    const int64_t begin = upper ? i / kLanes<T> * kLanes<T> : 0, end = upper ? width : RoundUp(i, kLanes<T>);
    visitor.BeginRow(i);
    for (int64_t j = begin; j < end; j += kLanes<T>) {
      const auto product = hn::Mul(hn::Load(d, run + j), r);
      const auto value = hn::IfThenZeroElse(hn::Lt(product, least), product);
      hn::Store(value, d, run + j);
      visitor.Visit(j, value);
    }
    run[i] = static_cast<T>(diagonal[i * kGroup]);
    visitor.EndRow(i, run[i]);
  }
}

// Writes the rows of P: first the upper triangle, the diagonal and everything to the right, then the lower triangle.
template <class T, bool upper>
struct Writer {
  int64_t n;
  const int32_t* index;
  T* soft;
  int64_t i = 0;
  T* row = nullptr;

  void BeginRow(int64_t sorted_row) {
    i = sorted_row;
    row = soft + index[i] * n;
  }
  template <class V>
  HWY_INLINE void Visit(int64_t j, V value) {
    const bool shared = !upper && j + kLanes<T> > i;  // the vector also holds the diagonal or the upper triangle
    StoreFirst<T>(shared ? hn::Add(LoadFirst(row + j, n - j), value) : value, row + j, n - j);
  }
  void EndRow(int64_t, T diagonal) {
    if (upper) row[i] = diagonal;
  }
};

template <class T>
void WriteSoft(int64_t n, int64_t size, const int32_t* index, const double* p, const double* q, const double* inverse,
               T* run, T* soft) {
  const int64_t width = RoundUp(n, kLanes<T>);
  Writer<T, true> right{n, index, soft};
  VisitTriangle<true>(size, width, p, inverse, run, right);
  Writer<T, false> left{n, index, soft};
  VisitTriangle<false>(size, width, q, inverse, run, left);
  std::fill_n(soft + size * n, (n - size) * n, T(0));
}

// Row and column sums of W = dsoft * P (elementwise) over one strict triangle; writes its diagonal to `diagonal`.
template <class T>
struct Summer {
  int64_t n, size;
  const int32_t* index;
  const T* dsoft;
  T *rows, *columns, *diagonal;
  Vector<T> sum = hn::Zero(Tag<T>());
  const T* row = nullptr;

  void BeginRow(int64_t i) {
    row = dsoft + index[i] * n;
    sum = hn::Zero(Tag<T>());
  }
  template <class V>
  HWY_INLINE void Visit(int64_t j, V value) {
    const Tag<T> d;
    const auto w = hn::Mul(LoadFirst(row + j, size - j), value);
    sum = hn::Add(sum, w);
    hn::Store(hn::Add(hn::Load(d, columns + j), w), d, columns + j);
  }
  void EndRow(int64_t i, T p) {
    rows[i] = SumOfLanes<T>(sum);
    diagonal[i] = row[i] * p;
  }
};

// The gradients of the last half iteration. dL / d log s is minus the column sums of W. The gradient of the log ratio
// at a gap is the sum of W over the pairs with one entry on either side of the gap; from one gap to the next it changes
// by one row and one column of the triangle.
template <class T>
void StartAdjoint(int64_t n, int64_t size, const int32_t* index, const double* p, const double* q,
                  const double* inverse, const T* dsoft, T* scratch, int64_t lane, const Adjoint& adjoint) {
  const int64_t width = RoundUp(size, kLanes<T>);
  T *run = scratch, *upper_rows = run + width, *lower_rows = upper_rows + width, *diagonal = lower_rows + width,
    *upper_columns = diagonal + width, *lower_columns = upper_columns + width;
  std::fill_n(upper_columns, 2 * width, T(0));
  Summer<T> right{n, size, index, dsoft, upper_rows, upper_columns, diagonal};
  VisitTriangle<true>(size, width, p, inverse, run, right);
  Summer<T> left{n, size, index, dsoft, lower_rows, lower_columns, diagonal};
  VisitTriangle<false>(size, width, q, inverse, run, left);
  double above = 0, below = 0;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t k = i * kGroup + lane;
    adjoint.total[k] = above + below;
    adjoint.difference[k] = above - below;
    adjoint.sums[k] = -(double(upper_columns[i]) + double(lower_columns[i]) + double(diagonal[i]));
    above += double(upper_rows[i]) - double(upper_columns[i]);
    below += double(lower_columns[i]) - double(lower_rows[i]);
  }
}

// Pairs of equal scores have no gradient, but the sums over the gaps included them in sorted order: subtracts them.
template <class T>
void DropTies(int64_t n, int64_t size, const T* scores, const int32_t* index, const double* inverse,
              const double* weight, const T* dsoft, double tau, T* dscores) {
  for (int64_t begin = 0, end; begin < size; begin = end) {
    for (end = begin + 1; end < size && scores[index[end]] == scores[index[begin]];) ++end;
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = i + 1; j < end; ++j) {
        const double w = double(dsoft[index[i] * n + j]) * inverse[j * kGroup] +
                         double(dsoft[index[j] * n + i]) * inverse[i * kGroup];
        const T change = static_cast<T>((w + weight[i * kGroup] + weight[j * kGroup]) / tau);
        dscores[index[i]] += change;
        dscores[index[j]] -= change;
      }
  }
}

template <class T>
void Forward(const SoftSortProblem& problem, int64_t begin, int64_t end, const T* scores, int32_t* index, T* soft) {
  const int64_t n = problem.n;
  Group group(n, 2);
  Scratch<T> run(RoundUp(n, kLanes<T>));
  for (int64_t row = begin; row < end; row += kGroup) {
    const int64_t count = std::min(kGroup, end - row);
    SetSizes(problem, row, count, group);
    Sort(n, count, scores + row * n, group, index + row * n);
    if (!soft) continue;
    if (group.size > 0) Iterate(n, scores + row * n, index + row * n, problem.tau, 2 * problem.iterations, 2, group);
    for (int64_t lane = 0; lane < count; ++lane)
      WriteSoft(n, group.sizes[lane], index + (row + lane) * n, group.P(1) + lane, group.Q(1) + lane,
                group.inverse + lane, run.data(), soft + (row + lane) * n * n);
  }
}

template <class T>
void Backward(const SoftSortProblem& problem, int64_t begin, int64_t end, const T* scores, const int32_t* index,
              const T* dsoft, T* dscores) {
  const int64_t n = problem.n;
  const double tau = problem.tau;
  const int half_iterations = 2 * problem.iterations;
  Group group(n, half_iterations + 1);
  const Adjoint& adjoint = group.adjoint;
  Scratch<T> scratch(6 * RoundUp(n, kLanes<T>));
  for (int64_t row = begin; row < end; row += kGroup) {
    const int64_t count = std::min(kGroup, end - row);
    SetSizes(problem, row, count, group);
    std::fill_n(dscores + row * n, count * n, T(0));
    if (group.size == 0) continue;
    Iterate(n, scores + row * n, index + row * n, tau, half_iterations, half_iterations + 1, group);
    for (double* array : {adjoint.sums, adjoint.total, adjoint.difference, adjoint.weight})
      std::fill_n(array, group.size * kGroup, 0.0);
    for (int64_t lane = 0; lane < count; ++lane)
      StartAdjoint(n, group.sizes[lane], index + (row + lane) * n, group.P(half_iterations - 1) + lane,
                   group.Q(half_iterations - 1) + lane, group.inverse + lane, dsoft + (row + lane) * n * n,
                   scratch.data(), lane, adjoint);
    for (int h = half_iterations - 1; h >= 0; --h) HalfIterationBackward(group.size, group.P(h), group.Q(h), adjoint);
    for (int64_t lane = 0; lane < count; ++lane) {
      const int64_t size = group.sizes[lane], r = row + lane;
      for (int64_t i = 0; i < size; ++i) {
        const double* total = adjoint.total + i * kGroup + lane;  // -dL / d gap i
        dscores[r * n + index[r * n + i]] = static_cast<T>((total[0] - (i + 1 < size ? total[kGroup] : 0)) / tau);
      }
      DropTies(n, size, scores + r * n, index + r * n, group.inverse + lane, adjoint.weight + lane, dsoft + r * n * n,
               tau, dscores + r * n);
    }
  }
}

}  // namespace
}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

ORBIT_EXPORT(Forward)
ORBIT_EXPORT(Backward)

void CheckProblem(const SoftSortProblem& problem) {
  Check(problem.tau > 0, "SoftSort: tau must be positive, got ", problem.tau);
  Check(problem.iterations >= 1, "SoftSort: at least one iteration is needed, got ", problem.iterations);
  for (int64_t b = 0; problem.num_nodes && b < problem.batch; ++b)
    Check(problem.num_nodes[b] >= 0 && problem.num_nodes[b] <= problem.n, "SoftSort: num_nodes[", b,
          "] = ", problem.num_nodes[b], " is not in [0, ", problem.n, "]");
}

// Score vectors per task: a multiple of every target's lanes, about 4096 scores.
int64_t Grain(int64_t n) { return std::max<int64_t>(1, 4096 / (8 * n)) * 8; }

}  // namespace

template <class Device, class T>
void SoftSort(Device, const SoftSortProblem& problem, const T* scores, int32_t* index, T* soft) {
  CheckProblem(problem);
  if (problem.n == 0) return;
  ParallelFor(problem.batch * problem.samples, Grain(problem.n),
              [&](int64_t begin, int64_t end) { Forward<T>(problem, begin, end, scores, index, soft); });
}

template <class Device, class T>
void SoftSortBackward(Device, const SoftSortProblem& problem, const T* scores, const int32_t* index, const T* dsoft,
                      T* dscores) {
  CheckProblem(problem);
  if (problem.n == 0) return;
  ParallelFor(problem.batch * problem.samples, Grain(problem.n),
              [&](int64_t begin, int64_t end) { Backward<T>(problem, begin, end, scores, index, dsoft, dscores); });
}

#define ORBIT_INSTANTIATE(T)                                                   \
  template void SoftSort(Cpu, const SoftSortProblem&, const T*, int32_t*, T*); \
  template void SoftSortBackward(Cpu, const SoftSortProblem&, const T*, const int32_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
