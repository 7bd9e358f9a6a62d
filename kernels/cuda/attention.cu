#include <limits>
#include <string>
#include <type_traits>

#include "kernels/alternatives.h"
#include "kernels/attention.h"
#include "kernels/cuda/attention_tensor_core.h"
#include "kernels/cuda/attention_wgmma.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/elementwise.h"
#include "kernels/error.h"

namespace orbit::kernels {
namespace {

// A pair is one head of one sequence. kSplit neighbouring lanes share a row, a query or a key: each keeps every
// kSplit-th vector of its channels in registers. The rows of the other side (keys for a query, queries for a key) pass
// through shared memory, kTile at a time, and are read by all lanes at once. A group of threads, whole warps, works on
// one pair, so short sequences (25 tokens fit in a warp) share a block. Scores exist only in registers.
constexpr int kThreads = 128;
constexpr int kTile = 32;   // rows per tile in shared memory
constexpr int kAtOnce = 8;  // rows between two updates of the largest score

template <class T>
struct Arguments {
  AttentionShape shape;
  AttentionMask<T> mask;
  int group;   // threads of a pair
  bool whole;  // rows can be read in vectors
};

template <class T, int kVectors, int kSplit>
struct Rows {
  static constexpr int kWidth = 16 / sizeof(T);
  static constexpr int kRowVectors = kVectors * kSplit;
  using V = Vector<T, kWidth>;

  // The part of a row that one lane keeps.
  struct Part {
    V vectors[kVectors];

    __device__ T DotOwn(const V* row, int split) const {
      T sum = 0;
#pragma unroll
      for (int i = 0; i < kVectors; ++i) {
        const V other = row[i * kSplit + split];
#pragma unroll
        for (int e = 0; e < kWidth; ++e) sum += vectors[i][e] * other[e];
      }
      return sum;
    }
    __device__ T DotOwn(const Part& other) const {
      T sum = 0;
#pragma unroll
      for (int i = 0; i < kVectors; ++i)
#pragma unroll
        for (int e = 0; e < kWidth; ++e) sum += vectors[i][e] * other.vectors[i][e];
      return sum;
    }
    __device__ void Add(T factor, const V* row, int split) {
#pragma unroll
      for (int i = 0; i < kVectors; ++i) {
        const V other = row[i * kSplit + split];
#pragma unroll
        for (int e = 0; e < kWidth; ++e) vectors[i][e] += factor * other[e];
      }
    }
    __device__ void Scale(T factor) {
#pragma unroll
      for (int i = 0; i < kVectors; ++i)
#pragma unroll
        for (int e = 0; e < kWidth; ++e) vectors[i][e] *= factor;
    }
  };

  static __device__ V Load(const T* row, int vector, int channels, bool whole) {
    const int first = vector * kWidth;
    V value = {};
    if (whole) {
      if (first < channels) value = *reinterpret_cast<const V*>(row + first);
      return value;
    }
#pragma unroll
    for (int e = 0; e < kWidth; ++e)
      if (first + e < channels) value[e] = row[first + e];
    return value;
  }

  static __device__ Part LoadPart(const T* row, int split, int channels, bool whole, bool exists) {
    Part part;
#pragma unroll
    for (int i = 0; i < kVectors; ++i) part.vectors[i] = exists ? Load(row, i * kSplit + split, channels, whole) : V{};
    return part;
  }

  static __device__ void Store(const Part& part, T* row, int split, int channels, bool whole) {
#pragma unroll
    for (int i = 0; i < kVectors; ++i) {
      const int first = (i * kSplit + split) * kWidth;
      if (whole) {
        if (first < channels) *reinterpret_cast<V*>(row + first) = part.vectors[i];
      } else {
#pragma unroll
        for (int e = 0; e < kWidth; ++e)
          if (first + e < channels) row[first + e] = part.vectors[i][e];
      }
    }
  }
};

// A thread's pair and row.
template <class T, int kVectors, int kSplit>
struct Place {
  using R = Rows<T, kVectors, kSplit>;
  using V = typename R::V;

  __device__ explicit Place(const Arguments<T>& a)
      : shape(a.shape),
        mask(a.mask),
        whole(a.whole),
        group(a.group),
        rank(threadIdx.x % a.group),
        pair(int64_t{blockIdx.x} * (kThreads / a.group) + threadIdx.x / a.group),
        row(static_cast<int>(blockIdx.y) * (a.group / kSplit) + rank / kSplit),
        split(rank % kSplit),
        has_pair(pair < shape.sequences * shape.heads),
        mine(has_pair && row < shape.tokens),
        tiles(DynamicShared<V>() + threadIdx.x / a.group * 2 * kTile * R::kRowVectors) {}

  __device__ int64_t FirstRow() const { return pair / shape.heads * shape.tokens; }
  __device__ int64_t Column() const { return pair % shape.heads * shape.channels; }
  // Offsets of row `at` in projected (part 0: queries, 1: keys, 2: values) and in y.
  __device__ int64_t Projected(int part, int at) const {
    return ((FirstRow() + at) * 3 + part) * shape.width() + Column();
  }
  __device__ int64_t Out(int at) const { return (FirstRow() + at) * shape.width() + Column(); }
  __device__ int64_t Sum(int at) const { return pair * shape.tokens + at; }

  __device__ V* Tile(int i) const { return tiles + i * kTile * R::kRowVectors; }
  // Loads kTile rows into tile i, starting with row `first`; row r starts at from + offset(r).
  template <class Offset>
  __device__ void LoadTile(int i, int first, const T* from, Offset offset) const {
    for (int v = rank; v < kTile * R::kRowVectors; v += group) {
      const int at = first + v / R::kRowVectors;
      Tile(i)[v] = has_pair && at < shape.tokens
                       ? R::Load(from + offset(at), v % R::kRowVectors, static_cast<int>(shape.channels), whole)
                       : V{};
    }
  }
  // Loads the tiles of keys and values from `first` on; all threads call it.
  __device__ void LoadKeysAndValues(int first, const T* projected) const {
    __syncthreads();  // the previous tiles have been read
    LoadTile(0, first, projected, [&](int key) { return Projected(1, key); });
    LoadTile(1, first, projected, [&](int key) { return Projected(2, key); });
    __syncthreads();
  }
  __device__ T Scale() const { return T(1) / sqrt(static_cast<T>(shape.channels)); }
  // A score with what the mask has for it; that of a query or key that does not exist stays.
  __device__ T Masked(T score, int query, int key) const {
    if (!mask.data || !has_pair || query >= shape.tokens || key >= shape.tokens) return score;
    return score + mask.At(pair / shape.heads, pair % shape.heads, query, key);
  }

  AttentionShape shape;
  AttentionMask<T> mask;
  bool whole;
  int group, rank;
  int64_t pair;
  int row, split;
  bool has_pair, mine;
  V* tiles;  // two tiles: keys and values, or queries and dy
};

// Bytes: projected, y and log_sums once. Flops: 4 tokens^2 channels per pair.
template <class T, int kVectors, int kSplit>
__global__ void __launch_bounds__(kThreads)
    ForwardKernel(Arguments<T> arguments, const T* projected, T* y, T* log_sums) {
  using R = Rows<T, kVectors, kSplit>;
  const Place<T, kVectors, kSplit> at(arguments);
  const int channels = static_cast<int>(at.shape.channels), tokens = static_cast<int>(at.shape.tokens);
  typename R::Part q = R::LoadPart(projected + at.Projected(0, at.row), at.split, channels, at.whole, at.mine),
                   sum = {};
  q.Scale(at.Scale());
  T largest = -std::numeric_limits<T>::infinity(), total = 0;
  for (int first = 0; first < tokens; first += kTile) {
    at.LoadKeysAndValues(first, projected);
    const int keys = min(kTile, tokens - first);
    for (int begin = 0; begin < keys; begin += kAtOnce) {
      T scores[kAtOnce], highest = largest;
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j) {
        scores[j] = at.Masked(WarpSum<kSplit>(q.DotOwn(at.Tile(0) + (begin + j) * R::kRowVectors, at.split)), at.row,
                              first + begin + j);
        if (begin + j >= keys) scores[j] = -std::numeric_limits<T>::infinity();
        highest = max(highest, scores[j]);
      }
      const T shift = highest == -std::numeric_limits<T>::infinity() ? T(0) : highest;
      const T shrink = exp(largest - shift);
      largest = highest;
      total *= shrink;
      sum.Scale(shrink);
#pragma unroll
      for (int j = 0; j < kAtOnce; ++j) {
        const T weight = exp(scores[j] - shift);
        total += weight;
        sum.Add(weight, at.Tile(1) + (begin + j) * R::kRowVectors, at.split);
      }
    }
  }
  if (!at.mine) return;
  const bool any = total > T(0);  // keys
  sum.Scale(any ? T(1) / total : T(0));
  R::Store(sum, y + at.Out(at.row), at.split, channels, at.whole);
  if (at.split == 0) log_sums[at.Sum(at.row)] = any ? largest + log(total) : std::numeric_limits<T>::infinity();
}

// The gradients of queries (a thread's row is a query), then those of keys and values (its row is a key). If a block
// holds all queries of its pairs, one launch does both, and the second part finds in cache what the first one read. The
// first part leaves along [sequences, heads, tokens] = dy . y for the second. Bytes: projected, y, dy and dprojected
// once; with two launches projected and dy twice. Flops: 14 tokens^2 channels per pair.
template <class T, int kVectors, int kSplit, bool kQueries, bool kKeys>
__global__ void __launch_bounds__(kThreads) BackwardKernel(Arguments<T> arguments, const T* projected, const T* y,
                                                           const T* log_sums, const T* dy, T* dprojected, T* along) {
  using R = Rows<T, kVectors, kSplit>;
  using Part = typename R::Part;
  const Place<T, kVectors, kSplit> at(arguments);
  const int channels = static_cast<int>(at.shape.channels), tokens = static_cast<int>(at.shape.tokens);
  const T scale = at.Scale();
  const auto load = [&](const T* from) { return R::LoadPart(from, at.split, channels, at.whole, at.mine); };
  const auto tile_row = [&](int i, int row) { return at.Tile(i) + row * R::kRowVectors; };

  if constexpr (kQueries) {
    Part q = load(projected + at.Projected(0, at.row)), gradient = load(dy + at.Out(at.row)), dq = {};
    const T own_along = WarpSum<kSplit>(gradient.DotOwn(load(y + at.Out(at.row))));
    const T log_sum = at.mine ? log_sums[at.Sum(at.row)] : T(0);
    if (at.mine && at.split == 0) along[at.Sum(at.row)] = own_along;
    q.Scale(scale);
    for (int first = 0; first < tokens; first += kTile) {
      at.LoadKeysAndValues(first, projected);
      const int keys = min(kTile, tokens - first);
#pragma unroll 2
      for (int key = 0; key < keys; ++key) {
        const T score = at.Masked(WarpSum<kSplit>(q.DotOwn(tile_row(0, key), at.split)), at.row, first + key);
        const T weight = exp(score - log_sum);
        const T dweight = WarpSum<kSplit>(gradient.DotOwn(tile_row(1, key), at.split));
        dq.Add(weight * (dweight - own_along) * scale, tile_row(0, key), at.split);
      }
    }
    if (at.mine) R::Store(dq, dprojected + at.Projected(0, at.row), at.split, channels, at.whole);
  }

  if constexpr (kKeys) {
    Part k = load(projected + at.Projected(1, at.row)), v = load(projected + at.Projected(2, at.row)), dk = {}, dv = {};
    k.Scale(scale);
    for (int first = 0; first < tokens; first += kTile) {
      __syncthreads();  // the previous tiles have been read, and `along` is written
      at.LoadTile(0, first, projected, [&](int query) { return at.Projected(0, query); });
      at.LoadTile(1, first, dy, [&](int query) { return at.Out(query); });
      __syncthreads();
      const int queries = at.has_pair ? min(kTile, tokens - first) : 0;
#pragma unroll 2
      for (int query = 0; query < queries; ++query) {
        const int64_t number = at.Sum(first + query);
        const T score = at.Masked(WarpSum<kSplit>(k.DotOwn(tile_row(0, query), at.split)), first + query, at.row);
        const T weight = exp(score - log_sums[number]);
        const T dweight = WarpSum<kSplit>(v.DotOwn(tile_row(1, query), at.split));
        dk.Add(weight * (dweight - along[number]) * scale, tile_row(0, query), at.split);
        dv.Add(weight, tile_row(1, query), at.split);
      }
    }
    if (at.mine) {
      R::Store(dk, dprojected + at.Projected(1, at.row), at.split, channels, at.whole);
      R::Store(dv, dprojected + at.Projected(2, at.row), at.split, channels, at.whole);
    }
  }
}

// Calls f.template operator()<kVectors, kSplit>() for a head's number of channels, at most 128, up to 16 of them a
// lane.
template <class T, class F>
void ForHead(int64_t channels, F&& f) {
  constexpr int kWidth = 16 / sizeof(T), kMost = 16 / kWidth;
  if (channels <= 4) return f.template operator()<4 / kWidth, 1>();
  if (channels <= 8) return f.template operator()<8 / kWidth, 1>();
  if (channels <= 16) return f.template operator()<kMost, 1>();
  if (channels <= 32) return f.template operator()<kMost, 2>();
  if (channels <= 64) return f.template operator()<kMost, 4>();
  f.template operator()<kMost, 8>();
}

template <class T>
struct Plan {
  Arguments<T> arguments;
  dim3 blocks;
  size_t shared_bytes;
};

template <class T, int kVectors, int kSplit>
Plan<T> PlanFor(const AttentionShape& shape, const AttentionMask<T>& mask, bool aligned) {
  constexpr int kWidth = 16 / sizeof(T);
  int group = 32;
  while (group < kThreads && group < shape.tokens * kSplit) group *= 2;
  const int64_t pairs = kThreads / group;
  return {{shape, mask, group, aligned && shape.channels % kWidth == 0},
          dim3(DivideUp(shape.sequences * shape.heads, pairs), DivideUp<int64_t>(shape.tokens, group / kSplit)),
          static_cast<size_t>(pairs * 2 * kTile * kVectors * kSplit * 16)};
}

template <class T>
void LaunchForward(Gpu gpu, const AttentionShape& shape, const T* projected, T* y, T* log_sums,
                   const AttentionMask<T>& mask) {
  ForHead<T>(shape.channels, [&]<int kVectors, int kSplit>() {
    const auto plan = PlanFor<T, kVectors, kSplit>(shape, mask, IsAligned<T, 16 / sizeof(T)>(projected, y));
    Launch("AttentionForward", gpu, plan.blocks, dim3(kThreads), plan.shared_bytes, ForwardKernel<T, kVectors, kSplit>,
           plan.arguments, projected, y, log_sums);
  });
}

template <class T>
void LaunchBackward(Gpu gpu, const AttentionShape& shape, const T* projected, const T* y, const T* log_sums,
                    const T* dy, T* dprojected, const AttentionMask<T>& mask) {
  const Scratch<T> along(gpu, shape.rows() * shape.heads);
  ForHead<T>(shape.channels, [&]<int kVectors, int kSplit>() {
    const auto plan =
        PlanFor<T, kVectors, kSplit>(shape, mask, IsAligned<T, 16 / sizeof(T)>(projected, y, dy, dprojected));
    const auto launch = [&](auto* kernel) {
      Launch("AttentionBackward", gpu, plan.blocks, dim3(kThreads), plan.shared_bytes, kernel, plan.arguments,
             projected, y, log_sums, dy, dprojected, along.data());
    };
    if (plan.blocks.y == 1) return launch(BackwardKernel<T, kVectors, kSplit, true, true>);
    launch(BackwardKernel<T, kVectors, kSplit, true, false>);
    launch(BackwardKernel<T, kVectors, kSplit, false, true>);
  });
}

// An array of bf16 in float, or room for one.
class Floats : public Scratch<float> {
 public:
  Floats(Gpu gpu, int64_t size) : Scratch<float>(gpu, size), gpu_(gpu), size_(size) {}
  Floats(Gpu gpu, int64_t size, const BFloat16* x) : Floats(gpu, size) { Convert(gpu, size, x, data()); }
  void RoundTo(BFloat16* y) const { Convert(gpu_, size_, static_cast<const float*>(data()), y); }

 private:
  Gpu gpu_;
  int64_t size_;
};

// Before anything is launched.
void CheckChannels(const AttentionShape& shape) {
  Check(shape.channels <= 128, "attention on GPUs takes heads of up to 128 channels, got ", shape.channels);
}

// Calls f with an element of what the operands are rounded to, if this attention is computed on tensor cores, and says
// whether it is.
template <class T, class F>
bool OnTensorCores(Gpu gpu, const AttentionShape& shape, const AttentionMask<SumType<T>>& mask, F&& f) {
  if constexpr (!std::is_same_v<T, double>) {
    if (mask.data || !IsUsed(Alternative::kAttentionTensorCore)) return false;
    if (std::is_same_v<T, BFloat16> || gpu.precision == Precision::kBf16) return f(BFloat16()), true;
    if constexpr (std::is_same_v<T, float>)
      if (gpu.precision == Precision::kTf32 && shape.channels <= kMostChannels<Tf32>) return f(Tf32()), true;
  }
  return false;
}

}  // namespace

template <class Device, class T>
void AttentionForward(Device gpu, const AttentionShape& shape, const T* projected, T* y, SumType<T>* log_sums,
                      const AttentionMask<SumType<T>>& mask) {
  if (shape.rows() * shape.width() == 0) return;
  CheckChannels(shape);
  if (OnTensorCores<T>(gpu, shape, mask, [&]<class E>(E) {
        if constexpr (std::is_same_v<T, BFloat16>)
          if (IsUsed(Alternative::kAttentionWgmma) && CanUseWgmma(gpu, shape, projected, y))
            return WgmmaAttentionForward(gpu, shape, projected, y, log_sums);
        TensorCoreAttentionForward<E>(gpu, shape, projected, y, log_sums);
      }))
    return;
  if constexpr (std::is_same_v<T, BFloat16>) {
    const int64_t size = shape.rows() * shape.width();
    const Floats result(gpu, size), floats(gpu, 3 * size, projected);
    LaunchForward<float>(gpu, shape, floats.data(), result.data(), log_sums, mask);
    result.RoundTo(y);
  } else {
    LaunchForward(gpu, shape, projected, y, log_sums, mask);
  }
}

template <class Device, class T>
void AttentionBackward(Device gpu, const AttentionShape& shape, const T* projected, const T* y,
                       const SumType<T>* log_sums, const T* dy, T* dprojected, const AttentionMask<SumType<T>>& mask) {
  if (shape.rows() * shape.width() == 0) return;
  CheckChannels(shape);
  if (OnTensorCores<T>(gpu, shape, mask, [&]<class E>(E) {
        TensorCoreAttentionBackward<E>(gpu, shape, projected, y, log_sums, dy, dprojected);
      }))
    return;
  if constexpr (std::is_same_v<T, BFloat16>) {
    const int64_t size = shape.rows() * shape.width();
    const Floats result(gpu, 3 * size), floats(gpu, 3 * size, projected), y_floats(gpu, size, y),
        dy_floats(gpu, size, dy);
    LaunchBackward<float>(gpu, shape, floats.data(), y_floats.data(), log_sums, dy_floats.data(), result.data(), mask);
    result.RoundTo(dprojected);
  } else {
    LaunchBackward(gpu, shape, projected, y, log_sums, dy, dprojected, mask);
  }
}

#define ORBIT_INSTANTIATE(T)                                                                                       \
  template void AttentionForward(Gpu, const AttentionShape&, const T*, T*, SumType<T>*,                            \
                                 const AttentionMask<SumType<T>>&);                                                \
  template void AttentionBackward(Gpu, const AttentionShape&, const T*, const T*, const SumType<T>*, const T*, T*, \
                                  const AttentionMask<SumType<T>>&);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
