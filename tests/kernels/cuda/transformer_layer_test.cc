// A transformer layer on a GPU agrees with the host, forward and backward, with and without the data for Backward, and
// with dx in place of dy; in each precision, and bit for bit with itself.
#include "kernels/transformer_layer.h"

#include <cmath>

#include "kernels/alternatives.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

std::vector<int64_t> ParameterSizes(const TransformerLayerSizes& s) {
  const int64_t w = s.width, h = s.hidden;
  return {3 * w * w, 3 * w, w * w, w, h * w, h, w * h, w, w, w, w, w};
}

template <class T, class Arrays>
TransformerLayerParameters<T> View(Arrays& t) {
  return {t[0].data(), t[1].data(), t[2].data(), t[3].data(), t[4].data(),  t[5].data(),
          t[6].data(), t[7].data(), t[8].data(), t[9].data(), t[10].data(), t[11].data()};
}

// Checks that every element is within `tolerance` times the greater of 1 and the elements' root mean square: products
// of rounded operands have errors of that size, whether the element is large or small.
template <class T>
void ExpectClose(const std::vector<T>& expected, const std::vector<T>& actual, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  double squares = 0;
  for (const T value : expected) squares += double{value} * double{value};
  const double bound = tolerance * std::max(1.0, std::sqrt(squares / std::max<double>(1, expected.size())));
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_LE(std::abs(double{actual[i]} - double{expected[i]}), bound)
        << what << " at " << i << ": " << actual[i] << " for " << expected[i];
}

template <class T>
void CompareWithHost(const TransformerLayerSizes& sizes, bool in_place, Precision precision = Precision::kF32) {
  const Gpu gpu{.precision = precision};
  SCOPED_TRACE(testing::Message() << sizes.sequences << " x " << sizes.tokens << " tokens of " << sizes.width << ", "
                                  << sizes.heads << " heads, hidden " << sizes.hidden);
  SetNumThreads(1);
  const int64_t size = sizes.sequences * sizes.tokens * sizes.width;
  std::vector<std::vector<T>> parameters, gradients;
  std::vector<OnGpu<T>> on_parameters, on_gradients;
  for (const int64_t count : ParameterSizes(sizes)) {
    parameters.push_back(Normal<T>(count, static_cast<int>(parameters.size()) + 10));
    for (T& value : parameters.back()) value *= T(0.3);
    gradients.emplace_back(count);
    on_parameters.emplace_back(parameters.back());
    on_gradients.emplace_back(static_cast<size_t>(count));
  }
  const std::vector<T> x = Normal<T>(size, 1), dy = Normal<T>(size, 2);
  std::vector<T> y(size), dx(size), saved(TransformerLayerSavedSize<T>(Cpu(), sizes));
  TransformerLayerForward(Cpu(), sizes, View<const T>(parameters), x.data(), y.data(), saved.data());
  TransformerLayerBackward(Cpu(), sizes, View<const T>(parameters), x.data(), saved.data(), dy.data(), dx.data(),
                           View<T>(gradients));
  const OnGpu<T> on_x(x), on_dy(dy), on_y(size), on_unsaved_y(size), on_dx(size),
      on_saved(TransformerLayerSavedSize<T>(Gpu(), sizes));
  TransformerLayerForward(gpu, sizes, View<const T>(on_parameters), on_x.data(), on_unsaved_y.data(),
                          static_cast<T*>(nullptr));
  TransformerLayerForward(gpu, sizes, View<const T>(on_parameters), on_x.data(), on_y.data(), on_saved.data());
  T* to = in_place ? on_dy.data() : on_dx.data();
  TransformerLayerBackward(gpu, sizes, View<const T>(on_parameters), on_x.data(),
                           static_cast<const T*>(on_saved.data()), static_cast<const T*>(on_dy.data()), to,
                           View<T>(on_gradients));
  const double tolerance = sizeof(T) == 8                  ? 1e-10
                           : precision == Precision::kF32  ? 1e-5
                           : precision == Precision::kTf32 ? 0.01
                                                           : 0.08;
  ExpectClose(y, on_y.Get(), tolerance, "y");
  EXPECT_EQ(on_unsaved_y.Get(), on_y.Get());
  ExpectClose(dx, (in_place ? on_dy : on_dx).Get(), tolerance, "dx");
  for (size_t i = 0; i < gradients.size(); ++i)
    ExpectClose(gradients[i], on_gradients[i].Get(), tolerance, "gradient " + std::to_string(i));
  if (in_place) return;
  std::vector<OnGpu<T>> again;
  for (const auto& gradient : gradients) again.emplace_back(gradient.size());
  const OnGpu<T> dx_again(size);
  TransformerLayerBackward(gpu, sizes, View<const T>(on_parameters), on_x.data(),
                           static_cast<const T*>(on_saved.data()), static_cast<const T*>(on_dy.data()), dx_again.data(),
                           View<T>(again));
  EXPECT_EQ(on_dx.Get(), dx_again.Get());
  for (size_t i = 0; i < gradients.size(); ++i) EXPECT_EQ(on_gradients[i].Get(), again[i].Get()) << "gradient " << i;
}

TEST(TransformerLayer, AgreesWithTheHost) {
  CompareWithHost<double>({2, 9, 20, 4, 12}, true);
  CompareWithHost<double>({1, 1, 6, 2, 7}, false);
  CompareWithHost<float>({1, 33, 18, 2, 70}, true);
  CompareWithHost<float>({2, 5, 64, 2, 64}, false);
}

// Layers of one kernel each way: in every precision heads of each width, rows of each number of tiles, slots without a
// sequence, and more sequences than a block has at a time.
void CompareSmallOnes(Precision precision) {
  ForEachSchedule([&] {
    CompareWithHost<float>({1, 1, 16, 2, 16}, false, precision);
    CompareWithHost<float>({2, 25, 64, 4, 64}, true, precision);
    CompareWithHost<float>({1, 32, 32, 2, 48}, false, precision);
  });
  CompareWithHost<float>({5, 31, 48, 3, 16}, true, precision);
  CompareWithHost<float>({1, 29, 64, 8, 32}, false, precision);
}

TEST(TransformerLayer, OnChip) { CompareSmallOnes(Precision::kF32); }
TEST(TransformerLayer, OnChipInTf32) { CompareSmallOnes(Precision::kTf32); }
TEST(TransformerLayer, OnChipInBf16) { CompareSmallOnes(Precision::kBf16); }

TEST(TransformerLayer, OnChipCanBeLeftOut) {
  const bool before = IsUsed(Alternative::kTransformerLayerOnChip);
  SetUsed(Alternative::kTransformerLayerOnChip, false);
  const TransformerLayerSizes small = {2, 25, 64, 4, 64};
  EXPECT_FALSE(TransformerLayerIsOneKernel(Gpu(), small));
  CompareWithHost<float>(small, false);
  SetUsed(Alternative::kTransformerLayerOnChip, before);
}

TEST(TransformerLayer, OnChipMoreSequencesThanBlocksHaveAtOnce) {
  CompareWithHost<float>({4 * 132 + 5, 2, 16, 2, 16}, false);
}

TEST(TransformerLayer, NoSequences) {
  CompareWithHost<double>({0, 5, 8, 2, 8}, false);
  CompareWithHost<float>({0, 5, 16, 2, 16}, false);
}

}  // namespace
}  // namespace orbit::kernels
