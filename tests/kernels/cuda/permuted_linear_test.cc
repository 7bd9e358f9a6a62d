// The linear layer on permuted graphs on a GPU, and its gradients, agree with the host: directed edges, self-loops and
// repeated edges, graphs without edges, no features; outputs that do not fill a block; weights and gradients that fit
// in shared memory or do not.
#include "kernels/permuted_linear.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

struct Graphs {
  int64_t graphs, samples, n;
  std::vector<int32_t> offsets = {0}, sources, ranks, num_nodes;

  // With `undirected`, edges go both ways; with `ragged`, graphs have fewer than n nodes of their own.
  Graphs(int64_t graphs, int64_t samples, int64_t n, bool undirected = false, bool ragged = false)
      : graphs(graphs), samples(samples), n(n) {
    std::mt19937 random(1);
    for (int64_t g = 0; g < graphs; ++g) {
      num_nodes.push_back(static_cast<int32_t>(ragged ? n - (2 * g + 1) % n : n));
      std::vector<std::vector<int32_t>> into(n);
      for (int64_t i = 0; i < num_nodes[g]; ++i)
        if (g != 1)
          for (int degree = random() % 4; degree > 0; --degree) {
            const int64_t from = random() % num_nodes[g];
            for (int copies = random() % 5 == 0 ? 2 : 1; copies > 0; --copies) {
              into[i].push_back(static_cast<int32_t>(from));
              if (undirected && from != i) into[from].push_back(static_cast<int32_t>(i));
            }
          }
      for (const std::vector<int32_t>& list : into) {
        sources.insert(sources.end(), list.begin(), list.end());
        offsets.push_back(static_cast<int32_t>(sources.size()));
      }
    }
    for (int64_t row = 0; row < graphs * samples; ++row) {
      std::vector<int32_t> order(n);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.begin() + num_nodes[row / samples], random);
      ranks.insert(ranks.end(), order.begin(), order.end());
    }
  }

  PermutedGraphs With(int64_t d, const int32_t* o, const int32_t* s, const int32_t* r, const int32_t* m) const {
    return {graphs, samples, n, d, o, s, r, static_cast<int64_t>(sources.size()), m};
  }
};

template <class T>
void CompareWithHost(const Graphs& graphs, int64_t d, int64_t out, bool all_schedules = true, bool gradients = true) {
  SCOPED_TRACE(testing::Message() << graphs.graphs << " graphs, " << graphs.samples << " samples, n " << graphs.n
                                  << ", d " << d << ", out " << out);
  SetNumThreads(1);
  const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
  const PermutedGraphs host =
      graphs.With(d, graphs.offsets.data(), graphs.sources.data(), graphs.ranks.data(), graphs.num_nodes.data());
  const int64_t n = graphs.n, rows = host.rows(), columns = host.columns();
  const std::vector<T> x = Normal<T>(graphs.graphs * n * d, 2), weight = Normal<T>(out * columns, 3),
                       bias = Normal<T>(out, 4), dy = Normal<T>(rows * out, 5);
  std::vector<T> y(rows * out), dweight(out * columns), dsoft(rows * n * n);
  PermutedLinear(Cpu(), host, out, x.data(), weight.data(), bias.data(), y.data());
  PermutedLinearBackward(Cpu(), host, out, x.data(), dy.data(), dweight.data());
  PermutedLinearStraightThrough(Cpu(), host, out, x.data(), weight.data(), dy.data(), dsoft.data());

  const OnGpu<int32_t> offsets(graphs.offsets), sources(graphs.sources), ranks(graphs.ranks),
      num_nodes(graphs.num_nodes);
  const PermutedGraphs device = graphs.With(d, offsets.data(), sources.data(), ranks.data(), num_nodes.data());
  const OnGpu<T> on_x(x), on_weight(weight), on_bias(bias), on_dy(dy);
  std::vector<T> first;  // dweight: the same bits every time
  const auto compare = [&] {
    const OnGpu<T> on_y(y.size()), on_dweight(dweight.size()), on_dsoft(dsoft.size());
    PermutedLinear(Gpu(), device, out, on_x.data(), on_weight.data(), on_bias.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    if (!gradients) return;
    PermutedLinearStraightThrough(Gpu(), device, out, on_x.data(), on_weight.data(), on_dy.data(), on_dsoft.data());
    ExpectNear(dsoft, on_dsoft.Get(), tolerance, "dsoft");
    if (columns > 10000) return;  // takes the emulator long and tests nothing new
    PermutedLinearBackward(Gpu(), device, out, on_x.data(), on_dy.data(), on_dweight.data());
    ExpectNear(dweight, on_dweight.Get(), tolerance, "dweight");
    if (first.empty()) first = on_dweight.Get();
    EXPECT_EQ(first, on_dweight.Get());
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(PermutedLinear, AgreesWithTheHost) {
  for (const int64_t n : {1, 5, 12}) CompareWithHost<float>(Graphs(3, 2, n), 2, 33);
  CompareWithHost<float>(Graphs(3, 6, 6), 3, 9);
  CompareWithHost<float>(Graphs(1, 2, 33), 1, 1);
  CompareWithHost<double>(Graphs(2, 1, 7), 2, 5);
  CompareWithHost<float>(Graphs(3, 2, 9, /*undirected=*/true), 2, 5);
  CompareWithHost<double>(Graphs(1, 1, 70), 0, 1, /*all_schedules=*/false);
}

// The host takes only the columns that a graph's own ranks need, the GPU takes all.
TEST(PermutedLinear, GraphsWithFewerNodes) {
  for (const bool undirected : {false, true}) {
    CompareWithHost<float>(Graphs(4, 2, 9, undirected, /*ragged=*/true), 2, 5);
    CompareWithHost<double>(Graphs(5, 1, 40, undirected, /*ragged=*/true), 1, 3, /*all_schedules=*/false);
  }
}

TEST(PermutedLinear, WithoutFeaturesEdgesOrRows) {
  CompareWithHost<float>(Graphs(2, 2, 4), 0, 3);
  CompareWithHost<float>(Graphs(0, 2, 3), 1, 3);
  Graphs empty(2, 1, 3);
  empty.sources.clear();
  std::fill(empty.offsets.begin(), empty.offsets.end(), 0);
  CompareWithHost<float>(empty, 1, 3);
}

TEST(PermutedLinear, WeightsThatSharedMemoryDoesNotHoldWhole) {
  for (const int64_t n : {100, 140, 170, 240})
    CompareWithHost<float>(Graphs(1, 1, n), 1, 2, /*all_schedules=*/false, /*gradients=*/false);
  CompareWithHost<double>(Graphs(1, 1, 170), 1, 3, /*all_schedules=*/false);
}

TEST(PermutedLinear, GradientsThatSharedMemoryDoesNotHold) {
  CompareWithHost<double>(Graphs(100, 8, 2), 1, 3, /*all_schedules=*/false);
}

}  // namespace
}  // namespace orbit::kernels
