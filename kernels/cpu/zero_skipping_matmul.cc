#include "kernels/cpu/zero_skipping_matmul.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/zero_skipping_matmul.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.h"
// clang-format on

#ifndef ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_PACKED_
#define ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_PACKED_
namespace orbit::kernels {
namespace {

constexpr int kMostRows = 4;          // rows per group
constexpr int64_t kMostDepth = 1024;  // columns of A per block, so that a panel of B stays in the L2 cache
constexpr int64_t kMostLanes = 16;    // lanes of the widest vector

// A in packed form. Its rows are divided into groups and its columns into blocks. For each group and block the columns
// in which any of the group's rows is nonzero are stored.
template <class T>
struct PackedRows {
  int64_t k, depth;  // k: columns of A; depth: columns per block, at most
  int64_t groups, blocks;
  T* values;                    // [groups, blocks, depth, rows]; of each block only the first `count` columns are used
  hwy::MakeSigned<T>* offsets;  // [groups, blocks, depth]: offset of the column's row in a panel of B
  int64_t* counts;              // [groups, blocks]: stored columns

  int64_t at(int64_t group, int64_t block) const { return (group * blocks + block) * depth; }
};

}  // namespace
}  // namespace orbit::kernels
#endif  // ORBIT_KERNELS_CPU_ZERO_SKIPPING_MATMUL_PACKED_

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// The register tile: the rows of a group times the vectors of a panel's row. The sums, one row of the panel and one
// element of A fill the registers. Groups of fewer rows have more zero columns in common, but each group reads the
// panel from the L2 cache again; these sizes are large enough for L2 to keep up.
constexpr int kRows = HWY_TARGET == HWY_AVX3 ? 3 : 4, kVectors = HWY_TARGET == HWY_AVX3 ? 8 : 3;
static_assert(kRows <= kMostRows);
template <class T>
constexpr int64_t kPanel = kVectors* kLanes<T>;  // columns of B per panel

// Panels that each group is multiplied with in turn: the group stays in the L1 cache and the panels in the L2 cache.
constexpr int kPanels = HWY_TARGET == HWY_AVX3 ? 1 : 2;

int64_t Rows() { return kRows; }

template <class T>
int64_t ColumnsAtOnce() {
  return kPanels * kPanel<T>;
}

// to [columns, rows] = transpose of from [rows, columns], with the given row strides.
template <class T>
void Transposed(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  constexpr int64_t kTile = 16;
  for (int64_t c = 0; c < columns; c += kTile) {
    const int64_t tile = std::min(kTile, columns - c);
    for (int64_t r = 0; r < rows; ++r) {
      const T* source = from + r * from_stride + c;
      T* target = to + c * to_stride + r;
      if (tile == kTile) {
        for (int64_t i = 0; i < kTile; ++i) target[i * to_stride] = source[i];
      } else {
        for (int64_t i = 0; i < tile; ++i) target[i * to_stride] = source[i];
      }
    }
  }
}

template <class T>
int64_t CountElements(int64_t size, const T* x) {
  const Tag<T> d;
  size_t count = 0;
  for (int64_t i = 0; i < size; i += kLanes<T>)
    count += hn::CountTrue(d, hn::Ne(LoadFirst(x + i, size - i), hn::Zero(d)));
  return static_cast<int64_t>(count);
}

template <class T>
void PackGroup(const T* const* rows, int64_t group, const PackedRows<T>& packed) {
  static_assert((kRows == 3 || kRows == 4) && kLanes<T> <= kMostLanes);
  const Tag<T> d;
  const hn::RebindToSigned<Tag<T>> offset_tag;
  for (int64_t block = 0; block < packed.blocks; ++block) {
    const int64_t begin = block * packed.depth, end = std::min(packed.k, begin + packed.depth);
    T* values = packed.values + packed.at(group, block) * kRows;
    auto* offsets = packed.offsets + packed.at(group, block);
    int64_t count = 0;
    for (int64_t p = begin; p < end; p += kLanes<T>) {
      Vector<T> x[kRows];
      auto any = hn::FirstN(d, 0);
      for (int i = 0; i < kRows; ++i) {
        x[i] = LoadFirst(rows[i] + p, end - p);
        any = hn::Or(any, hn::Ne(x[i], hn::Zero(d)));
      }
      for (int i = 0; i < kRows; ++i) x[i] = hn::Compress(x[i], any);
      // Stores write whole vectors. The excess stays within the block, and later stores overwrite it.
      if constexpr (kRows == 3)
        hn::StoreInterleaved3(x[0], x[1], x[2], d, values + count * kRows);
      else
        hn::StoreInterleaved4(x[0], x[1], x[2], x[3], d, values + count * kRows);
      const auto offset = hn::Mul(hn::Iota(offset_tag, p - begin), hn::Set(offset_tag, kPanel<T>));
      hn::StoreU(hn::Compress(offset, hn::RebindMask(offset_tag, any)), offset_tag, offsets + count);
      count += static_cast<int64_t>(hn::CountTrue(d, any));
    }
    packed.counts[group * packed.blocks + block] = count;
  }
}

// Whether a panel [depth, kPanel] has neither infinities nor NaNs: everything else times 0 is 0.
template <class T>
bool IsFinite(int64_t depth, const T* panel) {
  const Tag<T> d;
  const auto zero = hn::Zero(d);
  auto sum = zero;
  for (int64_t i = 0; i < depth * kPanel<T>; i += kLanes<T>) sum = hn::MulAdd(hn::Load(d, panel + i), zero, sum);
  return hn::AllTrue(d, hn::Eq(sum, zero));
}

// Packs the rows [begin, end) and `columns` columns from `column` on of op(B) [k, n] into consecutive panels. Returns
// whether all their elements are finite.
template <class T>
bool PackPanels(Transpose transpose, int64_t n, int64_t k, const T* b, int64_t begin, int64_t end, int64_t column,
                int64_t columns, T* panel) {
  constexpr int64_t kWidth = kPanel<T>;
  const int64_t depth = end - begin;
  bool finite = true;
  for (; columns > 0; column += kWidth, columns -= kWidth, panel += depth * kWidth) {
    const int64_t width = std::min(columns, kWidth);
    if (width < kWidth) std::fill_n(panel, depth * kWidth, T(0));
    if (transpose == Transpose::kYes)
      Transposed(width, depth, b + column * k + begin, k, panel, kWidth);
    else
      for (int64_t p = 0; p < depth; ++p) std::copy_n(b + (begin + p) * n + column, width, panel + p * kWidth);
    finite = IsFinite(depth, panel) && finite;
  }
  return finite;
}

// c[i] [columns] (+)= row i of the group times the panel, for every row of the group.
template <int kCount, class T>
HWY_NOINLINE void GroupTimesPanel(int64_t count, const T* HWY_RESTRICT values,
                                  const hwy::MakeSigned<T>* HWY_RESTRICT offsets, const T* HWY_RESTRICT panel,
                                  int64_t columns, const T* bias, bool add, T* const (&c)[kRows]) {
  const Tag<T> d;
  Vector<T> sum[kRows][kCount];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) sum[i][v] = hn::Zero(d);
  for (int64_t t = 0; t < count; ++t) {
    const T* row = panel + offsets[t];
    Vector<T> b[kCount];
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) b[v] = hn::Load(d, row + v * kLanes<T>);
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      const Vector<T> a = hn::Set(d, values[t * kRows + i]);
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) sum[i][v] = hn::MulAdd(a, b[v], sum[i][v]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
    if (!c[i]) continue;
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const int64_t at = v * kLanes<T>, left = columns - at;
      if (add) sum[i][v] = hn::Add(sum[i][v], LoadFirst(c[i] + at, left));
      if (bias) sum[i][v] = hn::Add(sum[i][v], LoadFirst(bias + at, left));
      StoreFirst(sum[i][v], c[i] + at, left);
    }
  }
}

template <int kCount, class T>
void GroupTimesSome(int64_t count, const T* values, const hwy::MakeSigned<T>* offsets, const T* panel, int64_t columns,
                    const T* bias, bool add, T* const (&c)[kRows]) {
  if constexpr (kCount > 1)
    if (columns <= (kCount - 1) * kLanes<T>)
      return GroupTimesSome<kCount - 1>(count, values, offsets, panel, columns, bias, add, c);
  GroupTimesPanel<kCount>(count, values, offsets, panel, columns, bias, add, c);
}

// `columns` columns of C = op(A) * the panels of one block of `depth` rows; += for every block after the first.
template <class T>
void Multiply(const PackedRows<T>& packed, int64_t block, int64_t depth, const T* panels, int64_t columns,
              const T* bias, const int64_t* order, int64_t m, int64_t c_stride, T* c) {
  for (int64_t group = 0; group < packed.groups; ++group) {
    const int64_t at = packed.at(group, block), count = packed.counts[group * packed.blocks + block];
    for (int64_t column = 0; column < columns; column += kPanel<T>) {
      T* rows[kRows];
      for (int64_t i = 0; i < kRows; ++i)
        rows[i] = group * kRows + i < m ? c + order[group * kRows + i] * c_stride + column : nullptr;
      GroupTimesSome<kVectors>(count, packed.values + at * kRows, packed.offsets + at, panels + column * depth,
                               std::min(kPanel<T>, columns - column), bias ? bias + column : nullptr, block > 0, rows);
    }
  }
}

}  // namespace

}  // namespace orbit::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace orbit::kernels {
namespace {

HWY_EXPORT(Rows);
ORBIT_EXPORT(ColumnsAtOnce)
ORBIT_EXPORT(Transposed)
ORBIT_EXPORT(CountElements)
ORBIT_EXPORT(PackGroup)
ORBIT_EXPORT(PackPanels)
ORBIT_EXPORT(Multiply)

// The sizes and the share of zeros from which packing pays off. For scale: if half of A is zero at random places, 7/8
// of the columns of groups of three rows are still nonzero.
constexpr int64_t kLeastRows = 64, kLeastColumns = 384, kLeastDepth = 256;
constexpr double kLeastZeros = 0.3;
constexpr double kMostElements = 0.9;  // of the groups' columns

// Whether enough of a sample of x's elements is zero.
template <class T>
bool HasZeros(int64_t size, const T* x) {
  constexpr int64_t kSample = 4096;
  const int64_t step = std::max<int64_t>(1, size / kSample) | 1;  // odd, so as not to sample one column again and again
  int64_t zeros = 0, seen = 0;
  for (int64_t i = 0; i < size; i += step, ++seen) zeros += x[i] == T(0);
  return static_cast<double>(zeros) >= kLeastZeros * static_cast<double>(seen);
}

}  // namespace

template <class T>
bool ZeroSkippingMatMul(Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k, const T* a,
                        const T* b, const T* bias, T* c) {
  if (m < kLeastRows || n < kLeastColumns || k < kLeastDepth || !HasZeros(m * k, a)) return false;

  // Rows of A that is stored transposed (they belong to outputs of a layer, say) are sorted by their number of nonzero
  // elements, so that rows with few of them share a group, and rows with many.
  std::vector<int64_t> order(m);
  std::iota(order.begin(), order.end(), int64_t{0});
  const bool reorder = transpose_a == Transpose::kYes;
  Scratch<T> transposed(reorder ? m * k : 0);
  if (reorder) {
    std::vector<int64_t> elements(m);
    ParallelFor(m, 64, [&](int64_t begin, int64_t end) {
      Transposed<T>(k, end - begin, a + begin, m, transposed.data() + begin * k, k);
      for (int64_t i = begin; i < end; ++i) elements[i] = CountElements<T>(k, transposed.data() + i * k);
    });
    a = transposed.data();
    std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return elements[i] < elements[j]; });
  }

  const int64_t rows = HWY_DYNAMIC_DISPATCH(Rows)(), groups = NumChunks(m, rows), blocks = NumChunks(k, kMostDepth);
  const int64_t depth = NumChunks(NumChunks(k, blocks), kMostLanes) * kMostLanes;
  Scratch<T> values(groups * blocks * depth * rows);
  Scratch<hwy::MakeSigned<T>> offsets(groups * blocks * depth);
  std::vector<int64_t> counts(groups * blocks);
  const PackedRows<T> packed = {k, depth, groups, blocks, values.data(), offsets.data(), counts.data()};
  ParallelFor(groups, 16, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const T* of_group[kMostRows];
      for (int64_t i = 0; i < rows; ++i) of_group[i] = a + order[std::min(group * rows + i, m - 1)] * k;
      PackGroup<T>(of_group, group, packed);
    }
  });
  const int64_t elements = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  if (static_cast<double>(elements) > kMostElements * static_cast<double>(groups * k)) return false;

  std::atomic<bool> finite = true;
  const int64_t at_once = ColumnsAtOnce<T>();
  ParallelFor(n, at_once, [&](int64_t column, int64_t last) {
    const int64_t columns = last - column;
    Scratch<T> panels(depth * at_once);
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t begin = block * depth, end = std::min(k, begin + depth);
      if (!PackPanels<T>(transpose_b, n, k, b, begin, end, column, columns, panels.data())) finite = false;
      if (!finite) return;
      const T* added = bias && block == blocks - 1 ? bias + column : nullptr;
      Multiply<T>(packed, block, end - begin, panels.data(), columns, added, order.data(), m, n, c + column);
    }
  });
  return finite;
}

#define ORBIT_INSTANTIATE(T) \
  template bool ZeroSkippingMatMul(Transpose, Transpose, int64_t, int64_t, int64_t, const T*, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
