// Edge lists of own graphs.
#include "data/graph/own_graphs.h"
#include "tests/fuzz/fuzz.h"

// One line can announce the maximum number of nodes, and another one label a node.
constexpr int64_t kLabelBytes = 100000 * sizeof(float);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(
      data, size,
      [](const FuzzInput& input) {
        const Graph graph = ParseEdgeList(input.text, "input", [](const std::string&) {});
        if (!graph.labels.empty() && static_cast<int64_t>(graph.labels.size()) != graph.n) __builtin_trap();
        for (const Edge& edge : graph.edges)
          if (edge.source < 0 || edge.source >= graph.n || edge.target < 0 || edge.target >= graph.n) __builtin_trap();
      },
      orbit::kFixedBytes + kLabelBytes);
}
