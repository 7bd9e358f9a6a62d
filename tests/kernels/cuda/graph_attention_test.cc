// Graph attention on a GPU agrees with the host's, forward and backward: nodes without edges, with edges to themselves
// and double ones; heads that fill a block and such that are shared out; more channels than registers and shared memory
// hold.
#include "kernels/graph_attention.h"

#include <random>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
void CompareWithHost(GraphAttentionShape shape, bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << shape.graphs << " graphs, " << shape.samples << " samples, n " << shape.n << ", "
                                  << shape.heads << " heads of " << shape.channels);
  SetNumThreads(1);
  std::mt19937 random(1);
  std::vector<int32_t> offsets = {0}, sources;
  for (int64_t i = 0; i < shape.graphs * shape.n; ++i) {
    for (int degree = random() % 5; degree > 0; --degree) sources.push_back(random() % shape.n);
    offsets.push_back(static_cast<int32_t>(sources.size()));
  }
  shape.edges = static_cast<int64_t>(sources.size());
  const T slope = T(0.2);
  const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
  const int64_t scores = shape.nodes() * shape.heads, size = scores * shape.channels;
  const std::vector<T> z = Normal<T>(size, 2), from = Normal<T>(scores, 3), to = Normal<T>(scores, 4),
                       dy = Normal<T>(size, 5);
  std::vector<T> y(size), dz(size), dfrom(scores), dto(scores);
  GraphAttention(Cpu(), shape, slope, offsets.data(), sources.data(), z.data(), from.data(), to.data(), y.data());
  GraphAttentionBackward(Cpu(), shape, slope, offsets.data(), sources.data(), z.data(), from.data(), to.data(),
                         dy.data(), dz.data(), dfrom.data(), dto.data());
  const OnGpu<int32_t> on_offsets(offsets), on_sources(sources);
  const OnGpu<T> on_z(z), on_from(from), on_to(to), on_dy(dy);
  const auto compare = [&] {
    const OnGpu<T> on_y(size), on_dz(size), on_dfrom(scores), on_dto(scores);
    GraphAttention(Gpu(), shape, slope, on_offsets.data(), on_sources.data(), on_z.data(), on_from.data(), on_to.data(),
                   on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    GraphAttentionBackward(Gpu(), shape, slope, on_offsets.data(), on_sources.data(), on_z.data(), on_from.data(),
                           on_to.data(), on_dy.data(), on_dz.data(), on_dfrom.data(), on_dto.data());
    ExpectNear(dz, on_dz.Get(), tolerance, "dz");
    ExpectNear(dfrom, on_dfrom.Get(), tolerance, "dfrom");
    ExpectNear(dto, on_dto.Get(), tolerance, "dto");
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

template <class T>
void CompareAllShapes() {
  for (const int64_t n : {1, 31, 33}) CompareWithHost<T>({2, 2, n, 3, 5});
  for (const int64_t channels : {1, 15, 16, 17, 33}) CompareWithHost<T>({2, 1, 6, 2, channels});
  CompareWithHost<T>({1, 1, 40, 8, 15});
}

TEST(GraphAttention, AgreesWithTheHostInSinglePrecision) { CompareAllShapes<float>(); }
TEST(GraphAttention, AgreesWithTheHostInDoublePrecision) { CompareAllShapes<double>(); }

TEST(GraphAttention, SharesOutHeadsAndDoesWithoutSharedMemory) {
  CompareWithHost<float>({1, 1, 188, 8, 15}, /*all_schedules=*/false);
  CompareWithHost<float>({1, 1, 70, 3, 100}, /*all_schedules=*/false);
  CompareWithHost<float>({1, 1, 300, 2, 95}, /*all_schedules=*/false);
}

TEST(GraphAttention, TakesNothing) {
  CompareWithHost<float>({0, 2, 5, 3, 4});
  CompareWithHost<float>({2, 2, 0, 3, 4});
}

}  // namespace
}  // namespace orbit::kernels
