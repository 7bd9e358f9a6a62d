#include "kernels/permutation_entropy.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"
#include "kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/permutation_entropy.cc"
#include <hwy/foreach_target.h>
//
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace orbit::kernels::HWY_NAMESPACE {
namespace {

// A row or column with sum S and A = sum p log p has, with q = p / S, the entropy and its derivative
//   H = log S - A / S,   dH / dp = (A / S - log p) / S.
// One logarithm per entry serves both its row and its column.
template <class T>
class MatrixEntropy {
 public:
  explicit MatrixEntropy(int64_t n) : width_(RoundUp(n, kLanes<T>)), memory_((n + 4) * width_) {
    logarithms_ = memory_.data();
    column_sums_ = logarithms_ + n * width_;
    column_moments_ = column_sums_ + width_;
    row_sums_ = column_moments_ + width_;
    row_moments_ = row_sums_ + width_;
  }

  // The sum of the entropies of the first `size` rows and columns of soft [n, n].
  double Forward(int64_t n, int64_t size, const T* soft) {
    const Tag<T> d;
    std::fill_n(column_sums_, 2 * width_, T(0));
    for (int64_t i = 0; i < size; ++i) {
      auto sum = hn::Zero(d), moment = hn::Zero(d);
      for (int64_t j = 0; j < size; j += kLanes<T>) {
        const auto clamped = Clamp(LoadFirst(soft + i * n + j, size - j));
        const auto log_p = hn::Log(d, clamped), p = KeepFirst<T>(clamped, size - j);
        const auto p_log_p = hn::Mul(p, log_p);
        hn::Store(log_p, d, logarithms_ + i * width_ + j);
        Accumulate(p, column_sums_ + j);
        Accumulate(p_log_p, column_moments_ + j);
        sum = hn::Add(sum, p);
        moment = hn::Add(moment, p_log_p);
      }
      row_sums_[i] = SumOfLanes<T>(sum);
      row_moments_[i] = SumOfLanes<T>(moment);
    }
    double entropy = 0;
    for (int64_t i = 0; i < size; ++i)
      entropy += std::log(static_cast<double>(row_sums_[i])) - row_moments_[i] / row_sums_[i] +
                 std::log(static_cast<double>(column_sums_[i])) - column_moments_[i] / column_sums_[i];
    return entropy;
  }

  // dsoft = scale * (gradient of Forward) + beta * dsoft.
  void Backward(int64_t n, int64_t size, const T* soft, T scale, T beta, T* dsoft) {
    const Tag<T> d;
    Forward(n, size, soft);
    for (int64_t i = 0; i < size; ++i) {
      row_moments_[i] /= row_sums_[i];
      row_sums_[i] = scale / row_sums_[i];
      column_moments_[i] /= column_sums_[i];
      column_sums_[i] = scale / column_sums_[i];
    }
    const auto least = hn::Set(d, kLeast);
    for (int64_t i = 0; i < size; ++i) {
      const auto row_moment = hn::Set(d, row_moments_[i]), row_factor = hn::Set(d, row_sums_[i]);
      for (int64_t j = 0; j < size; j += kLanes<T>) {
        const auto log_p = hn::Load(d, logarithms_ + i * width_ + j);
        const auto by_row = hn::Mul(row_factor, hn::Sub(row_moment, log_p));
        const auto both =
            hn::MulAdd(hn::Load(d, column_sums_ + j), hn::Sub(hn::Load(d, column_moments_ + j), log_p), by_row);
        const auto p = LoadFirst(soft + i * n + j, size - j);
        auto gradient = hn::IfThenZeroElse(hn::Lt(p, least), both);
        T* out = dsoft + i * n + j;
        if (beta != T(0)) gradient = hn::Add(gradient, LoadFirst(out, size - j));
        StoreFirst<T>(gradient, out, size - j);
      }
      if (beta == T(0)) std::fill_n(dsoft + i * n + size, n - size, T(0));
    }
    if (beta == T(0)) std::fill_n(dsoft + size * n, (n - size) * n, T(0));
  }

 private:
  static constexpr T kLeast = static_cast<T>(1e-12);

  static HWY_INLINE Vector<T> Clamp(Vector<T> p) {
    const auto least = hn::Set(Tag<T>(), kLeast);
    return hn::IfThenElse(hn::Lt(p, least), least, p);  // unlike Max, keeps NaN
  }
  static HWY_INLINE void Accumulate(Vector<T> v, T* sum) {
    const Tag<T> d;
    hn::Store(hn::Add(hn::Load(d, sum), v), d, sum);
  }

  int64_t width_;
  Scratch<T> memory_;
  T *logarithms_, *column_sums_, *column_moments_, *row_sums_, *row_moments_;
};

template <class T>
void Forward(int64_t begin, int64_t end, int64_t samples, int64_t n, const T* soft, const int32_t* num_nodes,
             double* entropies) {
  MatrixEntropy<T> matrix(n);
  for (int64_t k = begin; k < end; ++k)
    entropies[k] = matrix.Forward(n, num_nodes ? num_nodes[k / samples] : n, soft + k * n * n);
}

template <class T>
void Backward(int64_t begin, int64_t end, int64_t samples, int64_t n, const T* soft, const int32_t* num_nodes,
              double scale, T beta, T* dsoft) {
  MatrixEntropy<T> matrix(n);
  for (int64_t k = begin; k < end; ++k) {
    const int64_t size = num_nodes ? num_nodes[k / samples] : n;
    matrix.Backward(n, size, soft + k * n * n, static_cast<T>(scale / std::max<int64_t>(size, 1)), beta,
                    dsoft + k * n * n);
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

// Matrices per task.
int64_t Grain(int64_t n) { return std::max<int64_t>(1, (1 << 14) / std::max<int64_t>(1, n * n)); }

}  // namespace

template <class Device, class T>
void PermutationEntropy(Device, int64_t batch, int64_t samples, int64_t n, const T* soft, const int32_t* num_nodes,
                        T* entropy) {
  std::vector<double> entropies(batch * samples);
  ParallelFor(batch * samples, Grain(n), [&](int64_t begin, int64_t end) {
    Forward<T>(begin, end, samples, n, soft, num_nodes, entropies.data());
  });
  double sum = 0;
  for (int64_t k = 0; k < batch * samples; ++k)
    sum += entropies[k] / std::max<int64_t>(1, num_nodes ? num_nodes[k / samples] : n);
  entropy[0] = static_cast<T>(sum / std::max<int64_t>(1, samples));
}

template <class Device, class T>
void PermutationEntropyBackward(Device, int64_t batch, int64_t samples, int64_t n, const T* soft,
                                const int32_t* num_nodes, const T* dentropy, T beta, T* dsoft) {
  const double scale = static_cast<double>(dentropy[0]) / std::max<int64_t>(1, samples);
  ParallelFor(batch * samples, Grain(n), [&](int64_t begin, int64_t end) {
    Backward<T>(begin, end, samples, n, soft, num_nodes, scale, beta, dsoft);
  });
}

#define ORBIT_INSTANTIATE(T)                                                                      \
  template void PermutationEntropy(Cpu, int64_t, int64_t, int64_t, const T*, const int32_t*, T*); \
  template void PermutationEntropyBackward(Cpu, int64_t, int64_t, int64_t, const T*, const int32_t*, const T*, T, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
#endif  // HWY_ONCE
