#include "engine/edge_lists.h"

#include <limits>
#include <utility>

namespace orbit {
namespace {

struct Rows {
  Tensor offsets, sources;
  std::vector<int32_t> numbers;  // of the given edges, in the order of `sources`
};

Rows Compress(int64_t n, const std::vector<std::vector<Edge>>& graphs, bool reverse) {
  std::vector<int32_t> offsets(graphs.size() * n + 1, 0);
  const auto target = [&](const Edge& edge) { return reverse ? edge.source : edge.target; };
  for (size_t g = 0; g < graphs.size(); ++g)
    for (const Edge& edge : graphs[g]) ++offsets[g * n + target(edge) + 1];
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
  std::vector<int32_t> sources(offsets.back()), numbers(offsets.back()), next(offsets.begin(), offsets.end() - 1);
  int32_t number = 0;
  for (size_t g = 0; g < graphs.size(); ++g)
    for (const Edge& edge : graphs[g]) {
      const int32_t place = next[g * n + target(edge)]++;
      sources[place] = reverse ? edge.target : edge.source;
      numbers[place] = number++;
    }
  return {Tensor::From(offsets, {static_cast<int64_t>(offsets.size())}),
          Tensor::From(sources, {static_cast<int64_t>(sources.size())}), std::move(numbers)};
}

}  // namespace

EdgeLists EdgeLists::To(Device device) const {
  return Copied([&](const Tensor& tensor) { return tensor.To(device); });
}

EdgeLists EdgeLists::Copied(const std::function<Tensor(const Tensor&)>& copy) const {
  return {graphs, n, copy(offsets), copy(sources), copy(reverse_offsets), copy(reverse_sources), copy(reverse_edges)};
}

EdgeLists MakeEdgeLists(int64_t n, const std::vector<std::vector<Edge>>& graphs, std::vector<int32_t>* given) {
  Check(n >= 0, "graphs of ", n, " nodes");
  int64_t edges = 0;
  for (size_t g = 0; g < graphs.size(); ++g)
    for (const auto& [source, target] : graphs[g]) {
      Check(source >= 0 && source < n && target >= 0 && target < n, "graph ", g, " has the edge ", source, " -> ",
            target, ", but ", n, " nodes");
      ++edges;
    }
  Check(edges <= std::numeric_limits<int32_t>::max(), "a batch of graphs with ", edges, " edges is too large");
  Rows rows = Compress(n, graphs, false), reverse = Compress(n, graphs, true);
  std::vector<int32_t> place(edges), reverse_edges(edges);  // place: by edge number, its position in rows.sources
  for (int64_t e = 0; e < edges; ++e) place[rows.numbers[e]] = static_cast<int32_t>(e);
  for (int64_t e = 0; e < edges; ++e) reverse_edges[e] = place[reverse.numbers[e]];
  if (given != nullptr) *given = std::move(rows.numbers);
  return {static_cast<int64_t>(graphs.size()), n, rows.offsets, rows.sources, reverse.offsets, reverse.sources,
          Tensor::From(reverse_edges, {edges})};
}

}  // namespace orbit
