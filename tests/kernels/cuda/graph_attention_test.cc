// Attention along edges on a GPU agrees with the host, forward and backward: graphs without edges, with hubs, several
// samples and heads, channels that fill a warp or do not.
#include "kernels/graph_attention.h"

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(const GraphAttentionShape& shape, int degree) {
  SCOPED_TRACE(testing::Message() << shape.graphs << " x " << shape.samples << " graphs of " << shape.n << ", "
                                  << shape.heads << " heads of " << shape.channels << ", degree " << degree);
  SetNumThreads(1);
  std::mt19937_64 random(1);
  std::vector<int32_t> offsets = {0}, sources;
  for (int64_t node = 0; node < shape.graphs * shape.n; ++node) {
    const int edges = node % 3 == 0 ? 0 : node % 5 == 1 ? 2 * degree : degree;
    for (int e = 0; e < edges; ++e) sources.push_back(static_cast<int32_t>(random() % shape.n));
    offsets.push_back(static_cast<int32_t>(sources.size()));
  }
  const T slope = T(0.2);
  const int64_t scores = shape.nodes() * shape.heads, size = scores * shape.channels;
  const std::vector<T> z = Normal<T>(size, 1), from = Normal<T>(scores, 2), to = Normal<T>(scores, 3),
                       dy = Normal<T>(size, 4);
  std::vector<T> y(size), dz(size), dfrom(scores), dto(scores);
  GraphAttention(Cpu(), shape, slope, offsets.data(), sources.data(), z.data(), from.data(), to.data(), y.data());
  GraphAttentionBackward(Cpu(), shape, slope, offsets.data(), sources.data(), z.data(), from.data(), to.data(),
                         dy.data(), dz.data(), dfrom.data(), dto.data());
  const OnGpu<int32_t> on_offsets(offsets), on_sources(sources);
  const OnGpu<T> on_z(z), on_from(from), on_to(to), on_dy(dy);
  const double tolerance = sizeof(T) == 4 ? 5e-5 : 1e-12;
  ForEachSchedule([&] {
    const OnGpu<T> on_y(size), on_dz(size), on_dfrom(scores), on_dto(scores);
    GraphAttention(Gpu(), shape, slope, on_offsets.data(), on_sources.data(), on_z.data(), on_from.data(), on_to.data(),
                   on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    GraphAttentionBackward(Gpu(), shape, slope, on_offsets.data(), on_sources.data(), on_z.data(), on_from.data(),
                           on_to.data(), on_dy.data(), on_dz.data(), on_dfrom.data(), on_dto.data());
    ExpectNear(dz, on_dz.Get(), tolerance, "dz");
    ExpectNear(dfrom, on_dfrom.Get(), tolerance, "dfrom");
    ExpectNear(dto, on_dto.Get(), tolerance, "dto");
  });
}

TEST(GraphAttention, AgreesWithTheHost) {
  CompareWithHost<float>({2, 3, 7, 2, 5}, 3);
  CompareWithHost<double>({3, 1, 11, 1, 33}, 2);
  CompareWithHost<float>({1, 1, 1, 1, 1}, 1);
  CompareWithHost<float>({1, 2, 5, 3, 31}, 40);
  CompareWithHost<double>({2, 2, 4, 1, 3}, 0);
  CompareWithHost<float>({0, 2, 4, 1, 3}, 0);
}

}  // namespace
}  // namespace orbit::kernels
