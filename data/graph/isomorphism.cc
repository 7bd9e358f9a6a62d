#include "data/graph/isomorphism.h"

#include <nauty/nausparse.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

namespace orbit {
namespace {

// What a node is, whatever its number: its label, and how many edges come and go.
using Node = std::array<float, 3>;

std::vector<Node> NodesOf(const Graph& graph) {
  std::vector<Node> nodes(graph.n);
  for (int64_t i = 0; i < graph.n; ++i) nodes[i][0] = graph.labels.empty() ? 1.0f : graph.labels[i];
  for (const Edge& edge : graph.edges) {
    ++nodes[edge.source][1];
    ++nodes[edge.target][2];
  }
  return nodes;
}

// Sorted, the nodes of isomorphic graphs are the same.
std::vector<Node> SortedNodesOf(const Graph& graph) {
  std::vector<Node> nodes = NodesOf(graph);
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

// Where edges go from every node, by the canonical numbers of the nodes, which begin with the least kind.
std::vector<int> CanonicalEdges(const Graph& graph) {
  const int n = static_cast<int>(graph.n);
  // nauty's arrays of one graph: row i is edges[places[i]] and the degrees[i] - 1 that follow.
  std::vector<size_t> places(n);
  std::vector<int> degrees(n), edges(graph.edges.size() + 1);
  for (const Edge& edge : graph.edges) ++degrees[edge.source];
  for (int i = 1; i < n; ++i) places[i] = places[i - 1] + degrees[i - 1];
  std::vector<size_t> next = places;
  for (const Edge& edge : graph.edges) edges[next[edge.source]++] = edge.target;
  sparsegraph sparse;
  SG_INIT(sparse);
  sparse.nv = n;
  sparse.nde = graph.edges.size();
  sparse.v = places.data();
  sparse.vlen = places.size();
  sparse.d = degrees.data();
  sparse.dlen = degrees.size();
  sparse.e = edges.data();
  sparse.elen = edges.size();

  DEFAULTOPTIONS_SPARSEDIGRAPH(options);
  options.getcanon = TRUE;
  options.defaultptn = FALSE;
  const std::vector<Node> nodes = NodesOf(graph);
  std::vector<int> order(n), last(n, 0), orbits(n);  // nodes by kind; last[i] is 0 where a kind ends
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return nodes[a] < nodes[b]; });
  for (int i = 0; i + 1 < n; ++i) last[i] = nodes[order[i]] == nodes[order[i + 1]] ? 1 : 0;
  statsblk statistics;
  sparsegraph canonical;
  SG_INIT(canonical);
  sparsenauty(&sparse, order.data(), last.data(), orbits.data(), &options, &statistics, &canonical);
  sortlists_sg(&canonical);
  std::vector<int> form;
  form.reserve(n + graph.edges.size());
  for (int i = 0; i < n; ++i) {
    form.push_back(canonical.d[i]);
    form.insert(form.end(), canonical.e + canonical.v[i], canonical.e + canonical.v[i] + canonical.d[i]);
  }
  SG_FREE(canonical);
  return form;
}

// The parts that no edge joins.
std::vector<Graph> Components(const Graph& graph) {
  std::vector<int32_t> parents(graph.n);  // towards a node that stands for the component
  std::iota(parents.begin(), parents.end(), 0);
  const auto find = [&](int32_t node) {
    while (parents[node] != node) node = parents[node] = parents[parents[node]];
    return node;
  };
  for (const Edge& edge : graph.edges) parents[find(edge.source)] = find(edge.target);
  std::vector<int32_t> numbers(graph.n), places(graph.n, -1);
  std::vector<Graph> components;
  for (int32_t i = 0; i < graph.n; ++i) {
    int32_t& place = places[find(i)];
    if (place < 0) {
      place = static_cast<int32_t>(components.size());
      components.emplace_back();
    }
    numbers[i] = static_cast<int32_t>(components[place].n++);
    components[place].labels.push_back(graph.labels.empty() ? 1.0f : graph.labels[i]);
  }
  for (const Edge& edge : graph.edges)
    components[places[find(edge.source)]].edges.push_back({numbers[edge.source], numbers[edge.target]});
  return components;
}

// The same for isomorphic graphs and no others. nauty takes long for many components that are alike, so that it is
// asked for each on its own.
using CanonicalForm = std::vector<std::pair<std::vector<Node>, std::vector<int>>>;

CanonicalForm CanonicalFormOf(const Graph& graph) {
  CanonicalForm form;
  for (const Graph& component : Components(graph))
    form.emplace_back(SortedNodesOf(component), CanonicalEdges(component));
  std::sort(form.begin(), form.end());
  return form;
}

}  // namespace

std::vector<int64_t> IsomorphismClasses(const std::vector<Graph>& graphs) {
  static std::mutex mutex;  // nauty keeps state between calls
  const std::lock_guard lock(mutex);
  // Only graphs whose nodes are of the same kinds need canonical forms.
  std::map<std::vector<Node>, std::vector<int64_t>> alike;
  for (size_t g = 0; g < graphs.size(); ++g) alike[SortedNodesOf(graphs[g])].push_back(static_cast<int64_t>(g));
  std::vector<int64_t> classes(graphs.size());
  for (const auto& [nodes, numbers] : alike) {
    std::map<CanonicalForm, int64_t> first;
    for (const int64_t g : numbers)
      classes[g] = numbers.size() == 1 ? g : first.try_emplace(CanonicalFormOf(graphs[g]), g).first->second;
  }
  return classes;
}

Graph Renumber(const Graph& graph, const std::vector<int32_t>& numbers) {
  Graph renumbered = graph;
  for (Edge& edge : renumbered.edges) edge = {numbers.at(edge.source), numbers.at(edge.target)};
  for (size_t i = 0; i < graph.labels.size(); ++i) renumbered.labels[numbers.at(i)] = graph.labels[i];
  MergeEdges(renumbered);
  return renumbered;
}

}  // namespace orbit
