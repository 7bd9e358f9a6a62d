// Gram-Schmidt gives orthonormal columns, rotations on request, and a gradient that agrees with finite differences; the
// bits are the same on any number of threads.
#include "kernels/gram_schmidt.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/normal.h"

namespace orbit::kernels {
namespace {

template <class T>
std::vector<T> Orthonormal(int64_t dim, bool special, const std::vector<T>& v) {
  std::vector<T> r(v.size());
  GramSchmidt(Cpu(), v.size() / (dim * dim), dim, special, v.data(), r.data());
  return r;
}

template <class T>
std::vector<T> Gradient(int64_t dim, bool special, const std::vector<T>& v, const std::vector<T>& dr) {
  std::vector<T> dv(v.size());
  GramSchmidtBackward(Cpu(), v.size() / (dim * dim), dim, special, v.data(), dr.data(), dv.data());
  return dv;
}

// By expansion along the first row.
double Determinant(int64_t dim, const double* a) {
  if (dim == 1) return a[0];
  double sum = 0;
  for (int64_t skip = 0; skip < dim; ++skip) {
    std::vector<double> minor;
    for (int64_t i = 1; i < dim; ++i)
      for (int64_t k = 0; k < dim; ++k)
        if (k != skip) minor.push_back(a[i * dim + k]);
    sum += (skip % 2 ? -1 : 1) * a[skip] * Determinant(dim - 1, minor.data());
  }
  return sum;
}

TEST(GramSchmidt, MakesColumnsOrthonormalOneAfterAnother) {
  for (int64_t dim = 1; dim <= 8; ++dim) {
    const std::vector<double> v = Normal<double>(33 * dim * dim, static_cast<int>(dim)), r = Orthonormal(dim, false, v);
    for (int64_t b = 0; b < 33; ++b) {
      const double *vs = &v[b * dim * dim], *rs = &r[b * dim * dim];
      for (int64_t k = 0; k < dim; ++k)
        for (int64_t l = 0; l < dim; ++l) {
          double rr = 0, rv = 0;
          for (int64_t i = 0; i < dim; ++i) {
            rr += rs[i * dim + k] * rs[i * dim + l];
            rv += rs[i * dim + k] * vs[i * dim + l];
          }
          EXPECT_NEAR(rr, k == l, 1e-8);
          // v = r times an upper triangular matrix with a positive diagonal.
          if (k == l) {
            EXPECT_GT(rv, 0);
          }
          if (k > l) {
            EXPECT_NEAR(rv, 0, 1e-8);
          }
        }
    }
  }
}

TEST(GramSchmidt, SpecialFlipsTheFirstColumnOfReflections) {
  for (int64_t dim = 1; dim <= 6; ++dim) {
    const std::vector<double> v = Normal<double>(40 * dim * dim, 9), r = Orthonormal(dim, false, v),
                              s = Orthonormal(dim, true, v);
    int reflections = 0;
    for (int64_t b = 0; b < 40; ++b) {
      const double* rs = &r[b * dim * dim];
      const double determinant = Determinant(dim, rs), sign = determinant < 0 ? -1 : 1;
      reflections += sign < 0;
      EXPECT_NEAR(Determinant(dim, &s[b * dim * dim]), 1, 1e-8);
      for (int64_t k = 0; k < dim * dim; ++k) EXPECT_EQ(s[b * dim * dim + k], k % dim == 0 ? sign * rs[k] : rs[k]);
    }
    EXPECT_GT(reflections, 5);
    EXPECT_LT(reflections, 35);
  }
}

TEST(GramSchmidt, GradientIsThatOfFiniteDifferences) {
  for (const bool special : {false, true})
    for (int64_t dim = 1; dim <= 5; ++dim) {
      std::vector<double> v = Normal<double>(7 * dim * dim, 3), dr = Normal<double>(v.size(), 4);
      for (int64_t k = 0; k < static_cast<int64_t>(v.size()); ++k)
        if (k / dim % dim == k % dim) v[k] += 3;  // away from degenerate frames, for which differences are useless
      const std::vector<double> dv = Gradient(dim, special, v, dr);
      for (size_t k = 0; k < v.size(); ++k) {
        const double step = 1e-5, before = v[k];
        double difference = 0;
        for (const double sign : {1.0, -1.0}) {
          v[k] = before + sign * step;
          const std::vector<double> r = Orthonormal(dim, special, v);
          for (size_t l = 0; l < r.size(); ++l) difference += sign * r[l] * dr[l];
        }
        v[k] = before;
        EXPECT_NEAR(dv[k], difference / (2 * step), 1e-8) << "dim " << dim << ", entry " << k;
      }
    }
}

TEST(GramSchmidt, VectorsShorterThanTheClampAreDividedByIt) {
  const std::vector<double> v = {1e-13}, dr = {2};
  EXPECT_NEAR(Orthonormal(1, false, v)[0], 0.1, 1e-12);
  EXPECT_NEAR(Gradient(1, false, v, dr)[0], 2e12, 1);
}

TEST(GramSchmidt, SinglePrecision) {
  std::vector<double> v = Normal<double>(50 * 9, 5), dr = Normal<double>(v.size(), 6);
  for (size_t k = 0; k < v.size(); k += 9)
    for (const int diagonal : {0, 4, 8}) v[k + diagonal] += 3;
  const std::vector<float> vf(v.begin(), v.end()), drf(dr.begin(), dr.end());
  const std::vector<double> r = Orthonormal(3, true, v), dv = Gradient(3, true, v, dr);
  const std::vector<float> rf = Orthonormal(3, true, vf), dvf = Gradient(3, true, vf, drf);
  for (size_t k = 0; k < v.size(); ++k) {
    EXPECT_NEAR(rf[k], r[k], 1e-5);
    EXPECT_NEAR(dvf[k], dv[k], 1e-5);
  }
}

TEST(GramSchmidt, SameBitsForOneAndTwoThreads) {
  const std::vector<float> v = Normal<float>(1000 * 9, 7), dr = Normal<float>(v.size(), 8);
  const int threads = NumThreads();
  SetNumThreads(1);
  const std::vector<float> r = Orthonormal(3, true, v), dv = Gradient(3, true, v, dr);
  SetNumThreads(2);
  EXPECT_EQ(Orthonormal(3, true, v), r);
  EXPECT_EQ(Gradient(3, true, v, dr), dv);
  SetNumThreads(threads);
}

TEST(GramSchmidt, RefusesOtherDimensions) {
  std::vector<double> v(81);
  EXPECT_THROW(Orthonormal(9, false, v), Error);
  EXPECT_THROW(GramSchmidt(Cpu(), 1, 0, false, v.data(), v.data()), Error);
}

}  // namespace
}  // namespace orbit::kernels
