// Tokens of permuted graphs on a GPU, and their gradients, agree with the host: directed edges, self-loops and repeated
// edges, graphs without edges, every padding, features of edges and nodes or none; widths that do not fill vectors.
#include "kernels/patch_tokens.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/parallel.h"
#include "tests/kernels/cuda/on_gpu.h"

namespace orbit::kernels {
namespace {

// Edge lists of graphs whose number of nodes is at most n, with permutations.
struct Graphs {
  int64_t graphs, samples, n;
  std::vector<int32_t> offsets = {0}, sources, reverse_offsets = {0}, reverse_sources, reverse_edges, index, ranks,
                       num_nodes;

  Graphs(int64_t graphs, int64_t samples, int64_t n, int degree = 4) : graphs(graphs), samples(samples), n(n) {
    std::mt19937 random(1);
    for (int64_t g = 0; g < graphs; ++g) {
      num_nodes.push_back(static_cast<int32_t>(n - g % n));
      struct Leaving {
        int32_t target, edge;
      };
      std::vector<std::vector<Leaving>> leaving(n);
      for (int64_t i = 0; i < n; ++i) {
        if (i < num_nodes[g] && g != 1)
          for (int left = random() % degree; left > 0; --left) {
            const auto from = static_cast<int32_t>(random() % num_nodes[g]);
            for (int copies = random() % 5 == 0 ? 2 : 1; copies > 0; --copies) {
              leaving[from].push_back({static_cast<int32_t>(i), static_cast<int32_t>(sources.size())});
              sources.push_back(from);
            }
          }
        offsets.push_back(static_cast<int32_t>(sources.size()));
      }
      for (const std::vector<Leaving>& list : leaving) {
        for (const Leaving& edge : list) {
          reverse_sources.push_back(edge.target);
          reverse_edges.push_back(edge.edge);
        }
        reverse_offsets.push_back(static_cast<int32_t>(reverse_sources.size()));
      }
    }
    for (int64_t row = 0; row < graphs * samples; ++row) {
      std::vector<int32_t> order(n), rank(n);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.begin() + num_nodes[row / samples], random);
      for (int64_t r = 0; r < n; ++r) rank[order[r]] = static_cast<int32_t>(r);
      index.insert(index.end(), order.begin(), order.end());
      ranks.insert(ranks.end(), rank.begin(), rank.end());
    }
  }
};

struct Channels {
  int64_t edges = 1, nodes = 0;
  bool ones = false;  // edges have no features
};

template <class T>
void CompareWithHost(const Graphs& graphs, const PatchAxis& axis, Channels channels, int64_t width,
                     bool all_schedules = true) {
  SCOPED_TRACE(testing::Message() << graphs.graphs << " graphs, " << graphs.samples << " samples, n " << graphs.n
                                  << ", patches of " << axis.patch << ", padding " << static_cast<int>(axis.padding)
                                  << " from " << axis.before << ", channels " << channels.edges << " + "
                                  << channels.nodes << ", width " << width);
  SetNumThreads(1);
  const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-12;
  const auto edges = static_cast<int64_t>(graphs.sources.size());
  PatchedGraphs host{graphs.graphs,
                     graphs.samples,
                     axis,
                     channels.edges,
                     channels.nodes,
                     graphs.offsets.data(),
                     graphs.sources.data(),
                     graphs.reverse_offsets.data(),
                     graphs.reverse_sources.data(),
                     graphs.reverse_edges.data(),
                     graphs.index.data(),
                     graphs.ranks.data(),
                     edges,
                     graphs.num_nodes.data()};
  const int64_t n = graphs.n, tokens = host.rows() * host.tokens();
  std::vector<T> of_edges = Normal<T>(edges * channels.edges, 2);
  for (size_t i = 0; i < of_edges.size(); i += 3) of_edges[i] = 0;
  const std::vector<T> of_nodes = Normal<T>(graphs.graphs * n * channels.nodes, 3),
                       weight = Normal<T>(width * host.columns(), 4), bias = Normal<T>(width, 5),
                       dy = Normal<T>(tokens * width, 6);
  std::vector<T> y(tokens * width), dweight(weight.size()), dsoft(host.rows() * n * n);
  const T* edge_features = channels.ones ? nullptr : of_edges.data();
  PatchTokens(Cpu(), host, width, edge_features, of_nodes.data(), weight.data(), bias.data(), y.data());
  PatchTokensBackward(Cpu(), host, width, edge_features, of_nodes.data(), dy.data(), dweight.data());
  PatchTokensStraightThrough(Cpu(), host, width, edge_features, of_nodes.data(), weight.data(), dy.data(),
                             dsoft.data());

  const OnGpu<int32_t> offsets(graphs.offsets), sources(graphs.sources), reverse_offsets(graphs.reverse_offsets),
      reverse_sources(graphs.reverse_sources), reverse_edges(graphs.reverse_edges), index(graphs.index),
      ranks(graphs.ranks), num_nodes(graphs.num_nodes);
  PatchedGraphs device = host;
  device.offsets = offsets.data();
  device.sources = sources.data();
  device.reverse_offsets = reverse_offsets.data();
  device.reverse_sources = reverse_sources.data();
  device.reverse_edges = reverse_edges.data();
  device.index = index.data();
  device.ranks = ranks.data();
  device.num_nodes = num_nodes.data();
  const OnGpu<T> on_edges(of_edges), on_nodes(of_nodes), on_weight(weight), on_bias(bias), on_dy(dy);
  const T* features = channels.ones ? nullptr : on_edges.data();
  std::vector<T> first;  // dweight: the same bits every time
  const auto compare = [&] {
    const OnGpu<T> on_y(y.size()), on_dweight(dweight.size()), on_dsoft(dsoft.size());
    PatchTokens(Gpu(), device, width, features, on_nodes.data(), on_weight.data(), on_bias.data(), on_y.data());
    ExpectNear(y, on_y.Get(), tolerance, "y");
    PatchTokensStraightThrough(Gpu(), device, width, features, on_nodes.data(), on_weight.data(), on_dy.data(),
                               on_dsoft.data());
    ExpectNear(dsoft, on_dsoft.Get(), tolerance, "dsoft");
    PatchTokensBackward(Gpu(), device, width, features, on_nodes.data(), on_dy.data(), on_dweight.data());
    ExpectNear(dweight, on_dweight.Get(), tolerance, "dweight");
    if (first.empty()) first = on_dweight.Get();
    EXPECT_EQ(first, on_dweight.Get());
  };
  if (all_schedules)
    ForEachSchedule(compare);
  else
    compare();
}

TEST(PatchTokens, AgreeWithTheHost) {
  CompareWithHost<float>(Graphs(1, 1, 1), {1, 1, 1, 0, Padding::kZero}, {1, 0, /*ones=*/true}, 1);
  CompareWithHost<float>(Graphs(3, 2, 7), {7, 3, 3, 0, Padding::kZero}, {1, 3, /*ones=*/true}, 8);
  CompareWithHost<double>(Graphs(2, 1, 7), {7, 4, 2, 0, Padding::kZero}, {2, 0}, 33, /*all_schedules=*/false);
}

TEST(PatchTokens, EveryPadding) {
  for (const Padding padding : {Padding::kReflect, Padding::kReplicate, Padding::kCircular}) {
    CompareWithHost<float>(Graphs(2, 1, 6), {6, 5, 2, 2, padding}, {2, 1}, 3, /*all_schedules=*/false);
    CompareWithHost<double>(Graphs(1, 2, 5), {5, 7, 1, 0, padding}, {1, 0, /*ones=*/true}, 4,
                            /*all_schedules=*/false);
  }
}

// Patches wider than a warp, and outputs for more than one block.
TEST(PatchTokens, LargePatchesAndWidths) {
  CompareWithHost<float>(Graphs(1, 1, 33), {33, 33, 1, 0, Padding::kZero}, {1, 0, /*ones=*/true}, 2,
                         /*all_schedules=*/false);
  CompareWithHost<float>(Graphs(1, 1, 3), {3, 2, 2, 0, Padding::kReflect}, {1}, 260, /*all_schedules=*/false);
  CompareWithHost<float>(Graphs(1, 1, 3), {3, 2, 2, 0, Padding::kZero}, {1}, 67, /*all_schedules=*/false);
}

TEST(PatchTokens, WithoutEdgesOrRows) {
  CompareWithHost<float>(Graphs(0, 2, 3), {3, 2, 2, 0, Padding::kZero}, {1, 1}, 3);
  CompareWithHost<float>(Graphs(2, 1, 3, /*degree=*/1), {3, 2, 2, 0, Padding::kZero}, {1, 1}, 3);
}

TEST(PatchTokens, ImagesThatSharedMemoryDoesNotHold) {
  CompareWithHost<double>(Graphs(1, 1, 180), {180, 18, 10, 0, Padding::kZero}, {1, 0, /*ones=*/true}, 1,
                          /*all_schedules=*/false);
}

}  // namespace
}  // namespace orbit::kernels
