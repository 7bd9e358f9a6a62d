#include "kernels/elementwise.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/gelu.h"
#include "kernels/merge_axes.h"
#include "kernels/parallel.h"

namespace orbit::kernels {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements per task

template <class T>
T Sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

// Calls with_functions(f, df) with f(x) and the derivative df(x, y), where y = f(x).
template <class T, class F>
void Choose(Unary function, T a, T b, F&& with_functions) {
  switch (function) {
    case Unary::kAffine:
      return with_functions([=](T x) { return a * x + b; }, [=](T, T) { return a; });
    case Unary::kRelu:  // keeps NaN
      return with_functions([](T x) { return x < T(0) ? T(0) : x; }, [](T x, T) { return x > T(0) ? T(1) : T(0); });
    case Unary::kLeakyRelu:
      return with_functions([=](T x) { return x < T(0) ? a * x : x; }, [=](T x, T) { return x > T(0) ? T(1) : a; });
    case Unary::kGelu:  // cpu/gelu.h
      return;
    case Unary::kSilu:
      return with_functions([](T x) { return x * Sigmoid(x); },
                            [](T x, T y) {
                              const T s = Sigmoid(x);
                              return s + y * (T(1) - s);
                            });
    case Unary::kTanh:
      return with_functions([](T x) { return std::tanh(x); }, [](T, T y) { return T(1) - y * y; });
    case Unary::kSigmoid:
      return with_functions([](T x) { return Sigmoid(x); }, [](T, T y) { return y * (T(1) - y); });
    case Unary::kExp:
      return with_functions([](T x) { return std::exp(x); }, [](T, T y) { return y; });
    case Unary::kLog:
      return with_functions([](T x) { return std::log(x); }, [](T x, T) { return T(1) / x; });
    case Unary::kSqrt:
      return with_functions([](T x) { return std::sqrt(x); }, [](T, T y) { return T(0.5) / y; });
    case Unary::kSquare:
      return with_functions([](T x) { return x * x; }, [](T x, T) { return T(2) * x; });
    case Unary::kAbs:
      return with_functions([](T x) { return std::abs(x); },
                            [](T x, T) { return x > T(0)   ? T(1)
                                                : x < T(0) ? T(-1)
                                                           : T(0); });
    case Unary::kClamp:
      return with_functions([=](T x) { return x < a   ? a
                                              : x > b ? b
                                                      : x; },
                            [=](T x, T) { return x >= a && x <= b ? T(1) : T(0); });
  }
}

template <class T, class F>
void Choose(Binary function, F&& with_function) {
  switch (function) {
    case Binary::kAdd:
      return with_function([](T a, T b) { return a + b; });
    case Binary::kSubtract:
      return with_function([](T a, T b) { return a - b; });
    case Binary::kMultiply:
      return with_function([](T a, T b) { return a * b; });
    case Binary::kDivide:
      return with_function([](T a, T b) { return a / b; });
  }
}

// y[i] = f(a[i], b[i]) along one axis. Strides of 0 and 1 have their own loops, which the compiler vectorises.
template <class T, class F>
void Line(F f, int64_t size, const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* y) {
  if (a_stride == 1 && b_stride == 1)
    for (int64_t i = 0; i < size; ++i) y[i] = f(a[i], b[i]);
  else if (a_stride == 1 && b_stride == 0)
    for (int64_t i = 0; i < size; ++i) y[i] = f(a[i], *b);
  else if (a_stride == 0 && b_stride == 1)
    for (int64_t i = 0; i < size; ++i) y[i] = f(*a, b[i]);
  else
    for (int64_t i = 0; i < size; ++i) y[i] = f(a[i * a_stride], b[i * b_stride]);
}

}  // namespace

template <class Device, class T>
void Accumulate(Device, int64_t size, const T* term, T* sum) {
  ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sum[i] = FromSumType<T>(ToSumType(sum[i]) + ToSumType(term[i]));
  });
}

template <class Device, class T>
void UnaryForward(Device, Unary function, int64_t size, SumType<T> a, SumType<T> b, const T* x, T* y) {
  if (function == Unary::kGelu)
    return ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) { GeluOf(end - begin, x + begin, y + begin); });
  Choose<SumType<T>>(function, a, b, [&](auto f, auto) {
    ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = FromSumType<T>(f(ToSumType(x[i])));
    });
  });
}

template <class Device, class T>
void UnaryBackward(Device, Unary function, int64_t size, SumType<T> a, SumType<T> b, const T* x, const T* y,
                   const T* dy, T* dx) {
  if (function == Unary::kGelu)
    return ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
      GeluGradient(end - begin, x + begin, dy + begin, dx + begin);
    });
  Choose<SumType<T>>(function, a, b, [&](auto, auto df) {
    ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        dx[i] = FromSumType<T>(ToSumType(dy[i]) * df(ToSumType(x[i]), ToSumType(y[i])));
    });
  });
}

template <class Device, class From, class To>
void Convert(Device, int64_t size, const From* x, To* y) {
  ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = FromSumType<To>(static_cast<SumType<To>>(ToSumType(x[i])));
  });
}

template <class Device, class T>
void BinaryForward(Device, Binary function, const Broadcast& broadcast, const T* a, const T* b, T* y) {
  const Broadcast shape = MergeAxes(broadcast, &Broadcast::a_stride, &Broadcast::b_stride);
  const int last = shape.axes - 1;
  const int64_t length = shape.size[last];
  int64_t lines = 1;
  for (int i = 0; i < last; ++i) lines *= shape.size[i];
  if (lines * length == 0) return;
  Choose<SumType<T>>(function, [&](auto of_sums) {
    const auto f = [=](T x, T y) { return FromSumType<T>(of_sums(ToSumType(x), ToSumType(y))); };
    if (lines == 1)
      return ParallelFor(length, kGrain, [&](int64_t begin, int64_t end) {
        Line(f, end - begin, a + begin * shape.a_stride[last], shape.a_stride[last], b + begin * shape.b_stride[last],
             shape.b_stride[last], y + begin);
      });
    ParallelFor(lines, std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        int64_t a_offset = 0, b_offset = 0, rest = line;
        for (int i = last - 1; i >= 0; --i) {
          const int64_t place = rest % shape.size[i];
          rest /= shape.size[i];
          a_offset += place * shape.a_stride[i];
          b_offset += place * shape.b_stride[i];
        }
        Line(f, length, a + a_offset, shape.a_stride[last], b + b_offset, shape.b_stride[last], y + line * length);
      }
    });
  });
}

template <class Device, class T>
void SumAxis(Device, int64_t outer, int64_t middle, int64_t inner, SumType<T> factor, const T* x, SumType<T>* y) {
  using S = SumType<T>;
  // Where few sums have many terms, chunks of the terms are summed apart, then in order.
  const int64_t terms =
      std::max<int64_t>(NumChunks(middle, 64), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, inner)));
  const int64_t chunks = std::max<int64_t>(1, NumChunks(middle, terms));
  std::vector<S> partial;
  if (chunks > 1) partial.assign(static_cast<size_t>(outer) * chunks * inner, S(0));
  const int64_t grain = chunks > 1 ? 1 : std::max<int64_t>(1, kGrain / std::max<int64_t>(1, middle * inner));
  ParallelFor(outer * chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % chunks * terms, last = std::min(middle, first + terms);
      const T* from = x + i / chunks * middle * inner;
      S* sum = chunks > 1 ? partial.data() + i * inner : y + i * inner;
      if (inner == 1) {
        S total = 0;
        for (int64_t m = first; m < last; ++m) total += ToSumType(from[m]);
        *sum = chunks > 1 ? total : factor * total;
        continue;
      }
      std::fill_n(sum, inner, S(0));
      for (int64_t m = first; m < last; ++m)
        for (int64_t c = 0; c < inner; ++c) sum[c] += ToSumType(from[m * inner + c]);
      if (chunks == 1)
        for (int64_t c = 0; c < inner; ++c) sum[c] *= factor;
    }
  });
  if (chunks == 1) return;
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t c = 0; c < inner; ++c) {
      S total = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[(i * chunks + chunk) * inner + c];
      y[i * inner + c] = factor * total;
    }
}

template <class Device, class T>
void ExpandAxis(Device, int64_t outer, int64_t middle, int64_t inner, SumType<T> factor, const T* x, T* y) {
  ParallelFor(outer * middle, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, inner)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i)
                  for (int64_t c = 0; c < inner; ++c)
                    y[i * inner + c] = FromSumType<T>(factor * ToSumType(x[i / middle * inner + c]));
              });
}

template <class Device, class T>
void MaxAxis(Device, int64_t outer, int64_t middle, int64_t inner, const T* x, T* y, int32_t* index) {
  ParallelFor(outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, middle * inner)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  T* best = y + i * inner;
                  int32_t* place = index + i * inner;
                  const T* from = x + i * middle * inner;
                  std::copy_n(from, inner, best);
                  std::fill_n(place, inner, 0);
                  for (int64_t m = 1; m < middle; ++m)
                    for (int64_t c = 0; c < inner; ++c) {
                      const T value = from[m * inner + c];
                      if (!(value <= best[c]) && !std::isnan(best[c])) {
                        best[c] = value;
                        place[c] = static_cast<int32_t>(m);
                      }
                    }
                }
              });
}

template <class Device, class T>
void MaxAxisBackward(Device, int64_t outer, int64_t middle, int64_t inner, const int32_t* index, const T* dy, T* dx) {
  ParallelFor(outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, middle * inner)),
              [&](int64_t begin, int64_t end) {
                std::fill(dx + begin * middle * inner, dx + end * middle * inner, T(0));
                for (int64_t i = begin; i < end; ++i)
                  for (int64_t c = 0; c < inner; ++c)
                    dx[(i * middle + index[i * inner + c]) * inner + c] = dy[i * inner + c];
              });
}

#define ORBIT_INSTANTIATE(T)                                                                                  \
  template void Accumulate(Cpu, int64_t, const T*, T*);                                                       \
  template void UnaryForward(Cpu, Unary, int64_t, SumType<T>, SumType<T>, const T*, T*);                      \
  template void UnaryBackward(Cpu, Unary, int64_t, SumType<T>, SumType<T>, const T*, const T*, const T*, T*); \
  template void BinaryForward(Cpu, Binary, const Broadcast&, const T*, const T*, T*);                         \
  template void SumAxis(Cpu, int64_t, int64_t, int64_t, SumType<T>, const T*, SumType<T>*);                   \
  template void ExpandAxis(Cpu, int64_t, int64_t, int64_t, SumType<T>, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
ORBIT_INSTANTIATE(BFloat16)
#undef ORBIT_INSTANTIATE
#define ORBIT_INSTANTIATE(T)                                                     \
  template void MaxAxis(Cpu, int64_t, int64_t, int64_t, const T*, T*, int32_t*); \
  template void MaxAxisBackward(Cpu, int64_t, int64_t, int64_t, const int32_t*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE
#define ORBIT_INSTANTIATE(From, To) template void Convert(Cpu, int64_t, const From*, To*);
ORBIT_INSTANTIATE(float, double)
ORBIT_INSTANTIATE(float, BFloat16)
ORBIT_INSTANTIATE(double, float)
ORBIT_INSTANTIATE(double, BFloat16)
ORBIT_INSTANTIATE(BFloat16, float)
ORBIT_INSTANTIATE(BFloat16, double)
ORBIT_INSTANTIATE(uint8_t, float)
ORBIT_INSTANTIATE(uint8_t, double)
ORBIT_INSTANTIATE(uint8_t, BFloat16)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
