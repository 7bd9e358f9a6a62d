// Message passing on a GPU agrees with the host, bit for bit except for the hub: graphs of all sizes, without edges,
// with self-loops and repeated edges; channels that fill vectors or do not.
#include "kernels/message_passing.h"

#include <random>
#include <vector>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

struct Graphs {
  std::vector<int32_t> offsets, sources, num_nodes;
};

Graphs RandomGraphs(const MessageShape& shape, int seed) {
  std::mt19937 random(seed);
  Graphs graphs;
  graphs.offsets.push_back(0);
  for (int64_t g = 0; g < shape.graphs; ++g) {
    const int32_t size = g == 0 ? static_cast<int32_t>(shape.n) : random() % (shape.n + 1);  // one is full
    graphs.num_nodes.push_back(size);
    for (int64_t i = 0; i < shape.n; ++i) {
      if (i < size)
        for (int32_t degree = random() % 6; degree > 0; --degree) graphs.sources.push_back(random() % size);
      graphs.offsets.push_back(static_cast<int32_t>(graphs.sources.size()));
    }
  }
  return graphs;
}

template <class T>
void CompareWithHost(const MessageShape& shape) {
  SCOPED_TRACE(testing::Message() << shape.graphs << " graphs, " << shape.samples << " samples, n " << shape.n
                                  << ", channels " << shape.channels << (shape.hub ? ", hub" : ""));
  const Graphs graphs = RandomGraphs(shape, 1);
  const std::vector<T> x = Normal<T>(shape.size(), 2), eps = {T(0.25)};
  std::vector<T> expected(shape.size());
  MessageSum(Cpu(), shape, graphs.offsets.data(), graphs.sources.data(), graphs.num_nodes.data(), eps.data(), x.data(),
             expected.data());
  const OnGpu<int32_t> offsets(graphs.offsets), sources(graphs.sources), num_nodes(graphs.num_nodes);
  const OnGpu<T> on_x(x), on_eps(eps);
  ForEachSchedule([&] {
    const OnGpu<T> y(shape.size());
    MessageSum(Gpu(), shape, offsets.data(), sources.data(), shape.hub ? num_nodes.data() : nullptr, on_eps.data(),
               on_x.data(), y.data());
    ExpectNear(expected, y.Get(), sizeof(T) == 4 ? 1e-5 : 1e-13, "y");
  });
}

template <class T>
void CompareNormalized(const MessageShape& shape, bool biased) {
  SCOPED_TRACE(testing::Message() << "n " << shape.n << ", channels " << shape.channels << ", bias " << biased);
  const Graphs graphs = RandomGraphs(shape, 1);
  const std::vector<T> x = Normal<T>(shape.size(), 2), eps = {T(0.25)}, s = Normal<T>(shape.graphs * shape.n, 3),
                       bias = Normal<T>(shape.channels, 4);
  std::vector<T> expected(shape.size());
  NormalizedMessageSum(Cpu(), shape, graphs.offsets.data(), graphs.sources.data(), eps.data(), s.data(),
                       biased ? bias.data() : nullptr, x.data(), expected.data());
  const OnGpu<int32_t> offsets(graphs.offsets), sources(graphs.sources);
  const OnGpu<T> on_x(x), on_eps(eps), on_s(s), on_bias(bias);
  ForEachSchedule([&] {
    const OnGpu<T> y(shape.size());
    NormalizedMessageSum(Gpu(), shape, offsets.data(), sources.data(), on_eps.data(), on_s.data(),
                         biased ? on_bias.data() : nullptr, on_x.data(), y.data());
    ExpectNear(expected, y.Get(), sizeof(T) == 4 ? 1e-5 : 1e-13, "y");
  });
}

TEST(NormalizedMessageSum, AgreesWithTheHost) {
  for (const int64_t channels : {1, 2, 33, 120}) {
    CompareNormalized<float>({3, 2, 31, channels}, channels > 2);
    CompareNormalized<double>({2, 1, 33, channels}, channels > 1);
    CompareNormalized<float>({0, 1, 3, channels}, true);
  }
}

template <class T>
void CompareAllShapes() {
  for (const bool hub : {false, true})
    for (const int64_t n : {1, 31, 33})
      for (const int64_t channels : {1, 2, 3, 64, 132}) CompareWithHost<T>({3, 2, n, channels, hub});
  CompareWithHost<T>({1, 1, 188, 64, true});
}

TEST(MessageSum, AgreesWithTheHostInSinglePrecision) { CompareAllShapes<float>(); }
TEST(MessageSum, AgreesWithTheHostInDoublePrecision) { CompareAllShapes<double>(); }

TEST(MessageSum, TakesNothing) {
  const OnGpu<float> eps(std::vector<float>{0});
  MessageSum<Gpu, float>(Gpu(), {0, 2, 5, 3}, nullptr, nullptr, nullptr, eps.data(), nullptr, nullptr);
}

template <class T>
void CompareDotProducts() {
  SetNumThreads(1);
  for (const int64_t size : {0, 1, 31, 33, 1024, 5000}) {
    SCOPED_TRACE(testing::Message() << "size " << size);
    const std::vector<T> a = Normal<T>(size, 3), b = Normal<T>(size, 4);
    std::vector<T> expected(1);
    DotProduct(Cpu(), size, a.data(), b.data(), expected.data());
    const OnGpu<T> on_a(a), on_b(b);
    ForEachSchedule([&] {
      const OnGpu<T> result(1);
      DotProduct(Gpu(), size, on_a.data(), on_b.data(), result.data());
      ExpectNear(expected, result.Get(), sizeof(T) == 4 ? 1e-4 : 1e-12, "a b");
    });
  }
}

TEST(DotProduct, AgreesWithTheHost) {
  CompareDotProducts<float>();
  CompareDotProducts<double>();
}

TEST(NodeMask, MarksTheNodesOfEachGraph) {
  const OnGpu<int32_t> num_nodes(std::vector<int32_t>{0, 2, 3});
  const OnGpu<double> mask(9);
  NodeMask(Gpu(), 3, 3, num_nodes.data(), mask.data());
  EXPECT_EQ(mask.Get(), (std::vector<double>{0, 0, 0, 1, 1, 0, 1, 1, 1}));
}

}  // namespace
}  // namespace orbit::kernels
