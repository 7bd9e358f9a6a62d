// Gram-Schmidt on a GPU agrees with the host's, forward and backward, for every dimension.
#include "kernels/gram_schmidt.h"

#include <stdexcept>

#include "kernels/error.h"
#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(int64_t batch, int64_t dim, bool special) {
  SCOPED_TRACE(testing::Message() << batch << " matrices of " << dim << ", special " << special);
  SetNumThreads(1);
  std::vector<T> v = Normal<T>(batch * dim * dim, 1), dr = Normal<T>(v.size(), 2), r(v.size()), dv(v.size());
  for (int64_t b = 0; b < batch; ++b)  // far from singular, because rounding differs
    for (int64_t i = 0; i < dim; ++i) v[(b * dim + i) * dim + i] += b % 2 ? T(4) : T(-4);
  GramSchmidt(Cpu(), batch, dim, special, v.data(), r.data());
  GramSchmidtBackward(Cpu(), batch, dim, special, v.data(), dr.data(), dv.data());
  const OnGpu<T> on_v(v), on_dr(dr), on_r(v.size()), on_dv(v.size());
  GramSchmidt(Gpu(), batch, dim, special, on_v.data(), on_r.data());
  GramSchmidtBackward(Gpu(), batch, dim, special, on_v.data(), on_dr.data(), on_dv.data());
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
  ExpectNear(r, on_r.Get(), tolerance, "r");
  ExpectNear(dv, on_dv.Get(), tolerance, "dv");
}

TEST(GramSchmidt, AgreesWithTheHost) {
  for (int64_t dim = 1; dim <= 8; ++dim)
    for (const bool special : {false, true}) {
      CompareWithHost<float>(33, dim, special);
      CompareWithHost<double>(9, dim, special);
    }
  for (const int64_t batch : {0, 1, 31, 129}) CompareWithHost<float>(batch, 3, true);
}

TEST(GramSchmidt, RefusesOtherDimensions) {
  for (const int64_t dim : {0, 9})
    EXPECT_THROW(
        GramSchmidt<Gpu>(Gpu(), 1, dim, false, static_cast<const float*>(nullptr), static_cast<float*>(nullptr)),
        Error);
}

}  // namespace
}  // namespace orbit::kernels
