// PATTERN (Dwivedi et al., Benchmarking Graph Neural Networks, 2020): which nodes of a graph belong to a pattern that
// was planted in it?
#ifndef ORBIT_DATA_GRAPH_PATTERN_H_
#define ORBIT_DATA_GRAPH_PATTERN_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/packed_cache.h"
#include "data/share_done.h"
#include "data/split.h"
#include "engine/edge_lists.h"

namespace orbit {

inline constexpr int64_t kLargestPatternGraph = 188;  // nodes
inline constexpr int64_t kPatternWords = 3, kPatternClasses = 2;

// Undirected graphs without self-loops, whose nodes have a word and a class. Adjacency takes a bit a pair.
class PatternGraphs {
 public:
  // Of arrays that PackPatternGraphs has made. Throws Error if they do not fit together.
  explicit PatternGraphs(PackedArrays arrays);

  int64_t size() const { return static_cast<int64_t>(nodes_.size()) - 1; }
  // Of graph i; throw Error if there is no such graph.
  int64_t n(int64_t i) const { return nodes_[Checked(i) + 1] - nodes_[i]; }
  std::span<const uint8_t> words(int64_t i) const { return words_.subspan(nodes_[Checked(i)], n(i)); }
  std::span<const uint8_t> classes(int64_t i) const { return classes_.subspan(nodes_[Checked(i)], n(i)); }
  // In both directions, by target, then source.
  std::vector<Edge> Edges(int64_t i) const;

 private:
  int64_t Checked(int64_t i) const;

  PackedArrays arrays_;
  std::span<const int64_t> nodes_, bytes_;  // [graphs + 1], where each graph's begin
  std::span<const uint8_t> words_, classes_, adjacency_;
};

struct PatternGraph {
  int64_t n = 0;
  std::vector<uint8_t> words, classes;  // [n]; class 1: of the pattern
  std::vector<Edge> edges;              // in either or both directions
};

// The arrays of graphs: nodes, bytes i64 [graphs + 1]; words, classes u8 [all nodes]; adjacency u8, whose bits, from
// the lowest, are those of the pairs (0, 1), (0, 2), (1, 2), (0, 3) ... of a graph. Throws Error, with the graph's
// number, for self-loops and for nodes, words and classes that there are not.
TensorMap PackPatternGraphs(const std::vector<PatternGraph>& graphs);

struct PatternData {
  PatternGraphs graphs;
  SplitNumbers splits;
};

struct PatternOptions {
  int64_t patterns = 100;
  std::array<int64_t, kSplits.size()> graphs = {100, 20, 20};  // with every pattern, to train, validate and test
  int64_t seed = 0;
};

// Draws the graphs as a function of the options, or takes them from the cache. A graph has 5 communities of 5 to 34
// nodes, whose pairs are joined with probability 0.5 within a community and 0.35 across; and a pattern of 5 to 34
// nodes, joined with probability 0.5 among each other and to all others. A pattern's edges and words are the same in
// all its graphs; other words are drawn, out of 3. Nodes are shuffled. A graph of more than 188 nodes is drawn again,
// as there is none in the published data.
PatternData GeneratePattern(const PatternOptions& options, const ShareDone& progress = {});

// The published graphs, from a folder that has either PATTERN_v2.pt, of PyTorch Geometric, a list for each split
// (train, val, test) of dictionaries of x, the words one-hot, edge_index and y; or for each split
// SBM_PATTERN_SPLIT.pkl, of the benchmark itself: W, the adjacency matrix, node_feat and node_label. They are kept in
// the cache. Throws Error, with the file and the graph's number, for what is missing or makes no such graph.
PatternData ReadPattern(const std::string& folder, const ShareDone& progress = {});

// A model's input.
struct PatternBatch {
  Tensor nodes;      // f32 [graphs, n, kPatternWords]: the words one-hot, 0 for padding
  Tensor num_nodes;  // i32 [graphs]
  EdgeLists edges;
  Tensor classes;  // i64 [graphs, n], -100 for padding
};

// Throws Error for a graph of more than n nodes.
PatternBatch MakePatternBatch(const PatternGraphs& graphs, const std::vector<int64_t>& numbers, int64_t n);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_PATTERN_H_
