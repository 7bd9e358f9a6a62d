// Attention by cuDNN is what kernels/attention.h says, as closely as bf16 allows.
#include "kernels/cuda/cudnn_attention.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

void CompareWithHost(const AttentionShape& shape) {
  SCOPED_TRACE(testing::Message() << shape.sequences << " sequences of " << shape.tokens << " tokens, " << shape.heads
                                  << " heads of " << shape.channels);
  SetNumThreads(1);
  const int64_t size = shape.rows() * shape.width(), sums = shape.rows() * shape.heads;
  const std::vector<BFloat16> projected = Rounded(Normal<float>(3 * size, 1)), dy = Rounded(Normal<float>(size, 2));
  std::vector<BFloat16> y(size), dprojected(3 * size);
  std::vector<float> log_sums(sums);
  AttentionForward(Cpu(), shape, projected.data(), y.data(), log_sums.data());
  AttentionBackward(Cpu(), shape, projected.data(), y.data(), log_sums.data(), dy.data(), dprojected.data());
  const OnGpu<BFloat16> on_projected(projected), on_dy(dy), on_y(size), on_dprojected(3 * size);
  const OnGpu<float> on_log_sums(sums);
  for (int time = 0; time < 2; ++time) {  // the second time the plans are there
    CudnnAttentionForward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data());
    ExpectRowsNear(Floats(y), Floats(on_y.Get()), shape.channels, 0.03, "y");
    ExpectNear(log_sums, on_log_sums.Get(), 1e-2, "log_sums");
    CudnnAttentionBackward(Gpu(), shape, on_projected.data(), on_y.data(), on_log_sums.data(), on_dy.data(),
                           on_dprojected.data());
    ExpectRowsNear(Floats(dprojected), Floats(on_dprojected.Get()), shape.channels, 0.03, "dprojected");
  }
}

TEST(CudnnAttention, AgreesWithTheHost) {
  CompareWithHost({2, 197, 3, 64});
  CompareWithHost({1, 128, 2, 128});
}

}  // namespace
}  // namespace orbit::kernels
