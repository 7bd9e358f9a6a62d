// graph6, sparse6 and digraph6; a small graph that is written is read back as the same graph.
#include "data/graph/graph6.h"
#include "tests/fuzz/fuzz.h"

namespace orbit {
namespace {

constexpr int64_t kSmall = 100;
// For edges of graphs that are given by differences from the previous graph.
constexpr int64_t kDifferences = int64_t{128} << 20;

bool IsSimple(const Graph& graph) {
  for (const Edge& edge : graph.edges)
    if (edge.source == edge.target) return false;
  return true;
}

// Adds the reverse of every edge.
Graph Undirected(Graph graph) {
  const size_t edges = graph.edges.size();
  for (size_t e = 0; e < edges; ++e) graph.edges.push_back({graph.edges[e].target, graph.edges[e].source});
  MergeEdges(graph);
  return graph;
}

bool SameEdges(const Graph& a, const Graph& b) {
  if (a.n != b.n || a.edges.size() != b.edges.size()) return false;
  for (size_t e = 0; e < a.edges.size(); ++e)
    if (a.edges[e].source != b.edges[e].source || a.edges[e].target != b.edges[e].target) return false;
  return true;
}

}  // namespace
}  // namespace orbit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(
      data, size,
      [](const FuzzInput& input) {
        for (const Graph& graph : ParseGraph6Lines(input.text, "input")) {
          for (const Edge& edge : graph.edges)
            if (edge.source < 0 || edge.source >= graph.n || edge.target < 0 || edge.target >= graph.n)
              __builtin_trap();
          if (graph.n > kSmall || !IsSimple(graph)) continue;
          if (!SameEdges(ParseGraph6(FormatGraph6(graph), "written"), Undirected(graph))) __builtin_trap();
        }
      },
      kFixedBytes + kDifferences);
}
