// All matrix groups of the table: names, inverses, frames to elements with gradients, the Haar measure.
#include "groups/matrix_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/shape.h"
#include "groups/equivariance.h"
#include "groups/group.h"
#include "groups/ops/rotation.h"
#include "tests/engine/operation_check.h"

namespace orbit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

double LargestDifference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const std::vector<double> x = a.ToVector<double>(), y = b.ToVector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

Tensor Identities(int64_t count, int64_t d) {
  std::vector<double> identity(d * d, 0.0);
  for (int64_t i = 0; i < d; ++i) identity[i * d + i] = 1;
  return BroadcastTo(Tensor::From(identity, {d, d}), {count, d, d}).value();
}

// The determinant by elimination with pivoting; m has d * d real or complex elements.
template <class T>
T Determinant(std::vector<T> m, int64_t d) {
  T determinant = 1;
  for (int64_t k = 0; k < d; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < d; ++i)
      if (std::abs(m[i * d + k]) > std::abs(m[pivot * d + k])) pivot = i;
    if (pivot != k) determinant = -determinant;
    for (int64_t j = 0; j < d; ++j) std::swap(m[k * d + j], m[pivot * d + j]);
    determinant *= m[k * d + k];
    for (int64_t i = k + 1; i < d; ++i)
      for (int64_t j = d - 1; j >= k; --j) m[i * d + j] -= m[i * d + k] / m[k * d + k] * m[k * d + j];
  }
  return determinant;
}

TEST(GroupTest, NamesAreReadAndWritten) {
  for (const char* name : {"Sn", "O3", "SO3", "SO2", "SnxO3", "SnxSO3", "SnxE3", "SE3", "E2", "U2", "SnxU3", "SU2",
                           "O1,3", "SO+1,3", "SnxSO+1,3", "SnxO1,2", "E1,3", "SnxSE+1,3"})
    EXPECT_EQ(NameOf(ParseGroup(name)), name);
  EXPECT_EQ(NameOf(ParseGroup("O3xSn")), "SnxO3");
  EXPECT_TRUE(ParseGroup("SnxE3").translations);
  EXPECT_EQ(ParseGroup("SE+1,3").matrix, ParseGroup("SO+1,3").matrix);
  EXPECT_EQ(ParseGroup("U2").matrix->dimension(), 4);
  EXPECT_EQ(ParseGroup("O1,3").matrix->form(), (Form{.positive = 1, .negative = 3}));
  for (const char* name : {"", "S3", "O", "O0", "O9", "SnxSn", "O3xSO3", "Q8", "SnxO3x", "On", "O1,0", "SO1,3", "UE2"})
    EXPECT_THROW(ParseGroup(name), Error) << name;
}

class MatrixGroupTest : public testing::TestWithParam<const char*> {
 protected:
  Tensor Random(int64_t count) {
    return group_.Random(generator_.Normal({count, d_, group_.vectors()}, 0, 1, DType::kF64));
  }
  // The frame that an element is made from.
  Tensor FrameOf(const Tensor& m) const {
    const Variable columns = Reshape(m, {m.dim(0), d_, group_.vectors(), d_ / group_.vectors()});
    return Reshape(Slice(columns, 3, 0, 1), {m.dim(0), d_, group_.vectors()}).value();
  }
  // Frames for each group: independent vectors, the first one timelike.
  Tensor Frames(int64_t count) {
    const Tensor mixing = generator_.Normal({count, group_.vectors(), group_.vectors()}, 0, 0.2, DType::kF64);
    return MatMul(FrameOf(Random(count)), Add(Identities(count, group_.vectors()), mixing)).value();
  }

  const MatrixGroup& group_ = *ParseGroup(GetParam()).matrix;
  const int64_t d_ = group_.dimension();
  Generator generator_{11};
};

TEST_P(MatrixGroupTest, ElementsPreserveTheForm) {
  const Tensor m = Random(200);
  const Variable product = MatMul(m, Lower(group_.form(), m), /*transpose_a=*/true);
  EXPECT_LT(LargestDifference(product.value(), Lower(group_.form(), Identities(200, d_)).value()), 1e-11);
  if (group_.form().hermitian) {  // and they commute with i, so they are complex matrices
    const Variable pairs = Reshape(OverField(group_.form(), FrameOf(Identities(200, d_))), {200, d_, d_ / 2, 2});
    const Variable i = Reshape(Concat({Slice(pairs, 3, 1, 2), Neg(Slice(pairs, 3, 0, 1))}, 3), {200, d_, d_});
    EXPECT_LT(LargestDifference(MatMul(m, i).value(), MatMul(i, m).value()), 1e-12);
  }
}

TEST_P(MatrixGroupTest, DeterminantsAreThoseOfTheGroup) {
  const std::string name = group_.name();
  const Tensor m = Random(200);
  int64_t negative = 0, past = 0;
  for (int64_t e = 0; e < 200; ++e) {
    const std::vector<double> values = m.Rows(e, e + 1).ToVector<double>();
    const double determinant = Determinant(values, d_);
    EXPECT_NEAR(std::abs(determinant), 1, 1e-10);
    negative += determinant < 0;
    past += group_.form().negative > 0 && values[0] < 0;
  }
  const bool all_parts = name[0] == 'O';
  EXPECT_EQ(negative > 60 && negative < 140, all_parts);
  EXPECT_EQ(negative == 0, !all_parts);
  EXPECT_EQ(past > 60 && past < 140, all_parts && !group_.compact());
  EXPECT_EQ(past == 0, !all_parts || group_.compact());
}

TEST_P(MatrixGroupTest, InverseUndoesTheAction) {
  const Tensor m = Random(6).Reshape({2, 3, d_, d_});
  EXPECT_LT(LargestDifference(MatMul(m, group_.Inverse(m)).value().Reshape({6, d_, d_}), Identities(6, d_)), 1e-11);
  const Tensor x = generator_.Normal({2, 4, d_, 5}, 0, 1, DType::kF64);
  const Tensor expected = BroadcastTo(x.Reshape({2, 1, 4, d_, 5}), {2, 3, 4, d_, 5}).value();
  const Variable y = Rotate(m, group_.ActInverse(m, x));
  EXPECT_LT(LargestDifference(y.value(), expected), 1e-11);
  EXPECT_LT(LargestDifference(group_.ActInverse(m, Rotate(m, x)).value(), expected), 1e-11);
}

TEST_P(MatrixGroupTest, ProjectionIsEquivariantAndLeavesElementsAlone) {
  const Tensor h = Random(50), frames = Frames(50);
  const Variable m = group_.Project(frames);
  EXPECT_LT(LargestDifference(group_.Project(MatMul(h, frames)).value(), MatMul(h, m).value()), 1e-10);
  EXPECT_LT(LargestDifference(group_.Project(FrameOf(h)).value(), h), 1e-10);
}

TEST_P(MatrixGroupTest, GradientsOfProjectionsAreThoseOfFiniteDifferences) {
  const Tensor frames = Frames(3);
  const OperationCase around_frames{
      "Project", {{{3, d_, group_.vectors()}, -0.05, 0.05}}, [&](const std::vector<Variable>& x) {
        return group_.Project(Add(frames.To(x[0].dtype()), x[0]));
      }};
  CheckGradients(around_frames);
  CheckSinglePrecision(around_frames, 1e-4);
  CheckThreads(around_frames);
}

// The first two moments of the Haar measure: E[m_ij] = 0, E[m_ij^2] = 1 / d.
TEST_P(MatrixGroupTest, HaarElementsAreUniform) {
  const int64_t count = 20000;
  const Tensor normal = generator_.Normal({count, d_, group_.vectors()}, 0, 1, DType::kF64);
  if (!group_.compact()) {
    EXPECT_THAT([&] { group_.Haar(normal); }, ThrowsMessage<Error>(HasSubstr("not compact")));
    EXPECT_THAT([&] { MakeDistribution("haar", {.group = {.matrix = &group_}}, nullptr); },
                ThrowsMessage<Error>(AllOf(HasSubstr(group_.name()), HasSubstr("not compact"))));
    return;
  }
  const std::vector<double> values = group_.Haar(normal).ToVector<double>();
  const bool one = group_.name() == "SO1";  // the identity alone
  for (int64_t i = 0; i < d_ * d_; ++i) {
    double sum = 0, squares = 0;
    for (int64_t e = 0; e < count; ++e) {
      sum += values[e * d_ * d_ + i];
      squares += values[e * d_ * d_ + i] * values[e * d_ * d_ + i];
    }
    const bool diagonal = i % (d_ + 1) == 0;
    EXPECT_NEAR(sum / count, one ? diagonal : 0, 5 / std::sqrt(count * d_)) << i;
    EXPECT_NEAR(squares / count, one ? diagonal : 1.0 / d_, 0.02) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MatrixGroupTest,
                         testing::Values("O1", "O2", "O3", "O5", "SO1", "SO2", "SO3", "U1", "U2", "U3", "SU2", "SU3",
                                         "SU4", "O1,1", "O1,3", "SO+1,1", "SO+1,2", "SO+1,3"),
                         [](const auto& info) {
                           std::string name = ParseGroup(info.param).matrix->name();
                           std::replace(name.begin(), name.end(), ',', '_');
                           name.erase(std::remove(name.begin(), name.end(), '+'), name.end());
                           return name;
                         });

TEST(SpecialUnitaryTest, ComplexDeterminantsAreOne) {
  Generator generator(12);
  for (const int64_t n : {2, 3, 4}) {
    const MatrixGroup& group = *ParseGroup("SU" + std::to_string(n)).matrix;
    const Tensor m = group.Haar(generator.Normal({100, 2 * n, n}, 0, 1, DType::kF64));
    for (int64_t e = 0; e < 100; ++e) {
      const std::vector<double> values = m.Rows(e, e + 1).ToVector<double>();
      std::vector<std::complex<double>> entries(n * n);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
          entries[i * n + j] = {values[2 * i * 2 * n + 2 * j], values[(2 * i + 1) * 2 * n + 2 * j]};
      EXPECT_LT(std::abs(Determinant(entries, n) - 1.0), 1e-12) << n;
    }
  }
}

TEST(LorentzTest, WhatMakesNoFrameIsRefused) {
  const MatrixGroup& group = *ParseGroup("SO+1,2").matrix;
  const auto project = [&](const std::vector<double>& frame) {  // two frames, the first a good one
    std::vector<double> both = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    both.insert(both.end(), frame.begin(), frame.end());
    return [&group, both] { group.Project(Tensor::From(both, {2, 3, 3})); };
  };
  const auto refused = [](const std::string& why) {
    return ThrowsMessage<Error>(AllOf(HasSubstr("SO+1,2"), HasSubstr(why), HasSubstr("frame 1")));
  };
  EXPECT_THAT(project({1, 0, 0, 1, 1, 0, 0, 0, 1}), refused("not timelike"));  // lightlike
  EXPECT_THAT(project({1, 0, 0, 2, 1, 0, 0, 0, 1}), refused("not timelike"));  // spacelike
  EXPECT_THAT(project({2, 0, 2, 1, 1, 3, 0, 0, 0}), refused("do not span"));   // in a plane
  EXPECT_THAT(project({2, 2, 0, 1, 1, 0, 0, 0, 1}), refused("do not span"));   // one twice
  EXPECT_THAT(project({2, 0, 0, 0, 0, 0, 0, 0, 1}), refused("do not span"));   // none
  // The third is 0.3 of the first and 0.7 of the second, but for rounding.
  EXPECT_THAT(
      project({0.3, 0.9, 0.3 * 0.3 + 0.7 * 0.9, 0.1, 0.3, 0.3 * 0.1 + 0.7 * 0.3, 0.2, 0.5, 0.3 * 0.2 + 0.7 * 0.5}),
      refused("do not span"));
  EXPECT_THAT(project({2, 0, 0, 0, std::nan(""), 0, 0, 0, 1}), refused("do not span"));
  EXPECT_NO_THROW(project({-2, 0, 0, 1, 1, 0, 0, 0, 1})());  // one that points to the past makes one too
}

}  // namespace
}  // namespace orbit
