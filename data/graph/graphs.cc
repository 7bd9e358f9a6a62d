#include "data/graph/graphs.h"

#include <algorithm>
#include <utility>

namespace orbit {

GraphBatch GraphBatch::To(Device device) const {
  return {nodes.To(device), num_nodes.To(device), edges.To(device), targets.To(device)};
}

GraphBatch MakeGraphBatch(const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers, int64_t n,
                          int64_t channels) {
  const auto count = static_cast<int64_t>(numbers.size());
  const int64_t width = channels + 1;
  std::vector<float> nodes(count * n * width, 0.0f), targets(count);
  std::vector<int32_t> sizes(count);
  std::vector<std::vector<Edge>> edges(count);
  for (int64_t g = 0; g < count; ++g) {
    const Graph& graph = graphs.at(numbers[g]);
    Check(graph.n <= n, "graph ", numbers[g], " has ", graph.n, " nodes, the model has room for ", n);
    sizes[g] = static_cast<int32_t>(graph.n);
    targets[g] = static_cast<float>(graph.target);
    edges[g] = graph.edges;
    const bool labelled = !graph.labels.empty();
    Check(!labelled || static_cast<int64_t>(graph.labels.size()) == graph.n * channels, "graph ", numbers[g], " has ",
          graph.labels.size(), " labels for ", graph.n, " nodes, the model takes ", channels, " a node");
    float* rows = nodes.data() + g * n * width;
    for (int64_t i = 0; i < graph.n; ++i)
      for (int64_t c = 0; c < channels; ++c) rows[i * width + c] = labelled ? graph.labels[i * channels + c] : 1.0f;
    for (const Edge& edge : graph.edges) rows[edge.source * width + channels] += 1;
  }
  return {Tensor::From(nodes, {count, n, width}), Tensor::From(sizes, {count}), MakeEdgeLists(n, edges),
          Tensor::From(targets, {count, 1})};
}

int64_t LargestGraph(const std::vector<Graph>& graphs) {
  int64_t largest = 0;
  for (const Graph& graph : graphs) largest = std::max(largest, graph.n);
  return largest;
}

bool EdgeBefore(const Edge& a, const Edge& b) { return std::pair(a.target, a.source) < std::pair(b.target, b.source); }

void MergeEdges(Graph& graph) {
  std::sort(graph.edges.begin(), graph.edges.end(), EdgeBefore);
  graph.edges.erase(std::unique(graph.edges.begin(), graph.edges.end(),
                                [](const Edge& a, const Edge& b) { return !EdgeBefore(a, b) && !EdgeBefore(b, a); }),
                    graph.edges.end());
}

}  // namespace orbit
