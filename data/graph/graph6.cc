#include "data/graph/graph6.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "data/io/text_lines.h"
#include "engine/io/mapped_file.h"

namespace orbit {
namespace {

constexpr int64_t kMostNodes = 100000;
// Bounds the edges of all graphs that are given by differences, which may be empty: per character, and in addition.
constexpr size_t kEdgesPerCharacter = 64, kFreeEdges = size_t{1} << 22;

// A text in which each character, from '?' on, stands for six bits.
class SixBits {
 public:
  SixBits(std::string_view text, const std::string& place) : text_(text), place_(place) {
    for (const char c : text) Check(c >= 63 && c <= 126, place_, ": the character '", c, "' is none of the format's");
  }

  int64_t ReadSize() {
    int64_t size = ReadCharacter();
    if (size < 63) return size;
    int characters = 3;
    if (at_ < text_.size() && text_[at_] == '~') {
      ++at_;
      characters = 6;
    }
    size = 0;
    for (int i = 0; i < characters; ++i) size = size << 6 | ReadCharacter();
    return size;
  }
  int64_t bits_left() const { return 6 * static_cast<int64_t>(text_.size() - at_) - bit_; }
  int ReadBit() {
    const int bit = (text_[at_] - 63) >> (5 - bit_) & 1;
    if (++bit_ == 6) {
      bit_ = 0;
      ++at_;
    }
    return bit;
  }
  int64_t ReadBits(int count) {
    int64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | ReadBit();
    return value;
  }

 private:
  int64_t ReadCharacter() {
    Check(at_ < text_.size(), place_, ": the line ends within the number of nodes");
    return text_[at_++] - 63;
  }

  std::string_view text_;
  const std::string& place_;
  size_t at_ = 0;
  int bit_ = 0;
};

Edge MakeEdge(int64_t source, int64_t target) { return {static_cast<int32_t>(source), static_cast<int32_t>(target)}; }

void Join(Graph& graph, int64_t a, int64_t b) {
  graph.edges.push_back(MakeEdge(a, b));
  if (a != b) graph.edges.push_back(MakeEdge(b, a));
}

void ReadSparse(SixBits& bits, Graph& graph, const std::string& place) {
  const int width = graph.n > 1 ? std::bit_width(static_cast<uint64_t>(graph.n - 1)) : 0;
  int64_t v = 0;
  while (bits.bits_left() >= 1 + width) {
    if (bits.ReadBit()) ++v;
    const int64_t x = bits.ReadBits(width);
    if (x >= graph.n || v >= graph.n) break;  // padding
    if (x > v)
      v = x;
    else
      Join(graph, x, v);
    Check(graph.n > 0, place, ": edges in a graph without nodes");
  }
}

void CheckBits(const SixBits& bits, int64_t expected, int64_t n, const std::string& place) {
  Check(bits.bits_left() >= expected && bits.bits_left() < expected + 6, place, ": ", n, " nodes need ",
        (expected + 5) / 6, " characters, there are ", bits.bits_left() / 6);
}

// Parses a line of incremental sparse6 without its ';'. The result has the edges that are either in `before` or in the
// line, but not in both.
Graph ParseDifference(std::string_view line, const Graph& before, const std::string& place) {
  Graph difference{.n = before.n}, graph{.n = before.n};
  SixBits bits(line, place);
  ReadSparse(bits, difference, place);
  const size_t edges = difference.edges.size();
  MergeEdges(difference);
  Check(difference.edges.size() == edges, place, ": a difference (;) with an edge that comes twice");
  std::set_symmetric_difference(before.edges.begin(), before.edges.end(), difference.edges.begin(),
                                difference.edges.end(), std::back_inserter(graph.edges), EdgeBefore);
  return graph;
}

}  // namespace

Graph ParseGraph6(std::string_view line, const std::string& place) {
  Check(!line.empty(), place, ": an empty line is no graph");
  const char format = line[0];
  SixBits bits(format == ':' || format == '&' ? line.substr(1) : line, place);
  Graph graph;
  graph.n = bits.ReadSize();
  Check(graph.n <= kMostNodes, place, ": a graph of ", graph.n, " nodes; at most ", kMostNodes, " are possible");
  if (format == ':') {
    ReadSparse(bits, graph, place);
  } else if (format == '&') {
    CheckBits(bits, graph.n * graph.n, graph.n, place);
    for (int64_t i = 0; i < graph.n; ++i)
      for (int64_t j = 0; j < graph.n; ++j)
        if (bits.ReadBit()) graph.edges.push_back(MakeEdge(i, j));
  } else {
    CheckBits(bits, graph.n * (graph.n - 1) / 2, graph.n, place);
    for (int64_t j = 1; j < graph.n; ++j)
      for (int64_t i = 0; i < j; ++i)
        if (bits.ReadBit()) Join(graph, i, j);
  }
  MergeEdges(graph);
  return graph;
}

std::vector<Graph> ParseGraph6Lines(std::string_view text, const std::string& name) {
  std::vector<Graph> graphs;
  size_t edges_left = kEdgesPerCharacter * text.size() + kFreeEdges;
  bool directed = false;  // of the last graph
  ForEachLine(text, name, [&](std::string_view line, const std::string& place) {
    if (line.starts_with(">>"))
      if (const size_t header = line.find("<<"); header != std::string_view::npos) line.remove_prefix(header + 2);
    if (line.empty()) return;
    if (line[0] != ';') {
      directed = line[0] == '&';
      graphs.push_back(ParseGraph6(line, place));
      return;
    }
    Check(!graphs.empty() && !directed, place, ": a difference (;) from ",
          graphs.empty() ? "no graph: it is the first" : "a directed graph");
    const size_t edges = graphs.back().edges.size();
    Check(edges <= edges_left, place, ": differences that make more than the file's size justifies");
    edges_left -= edges;
    graphs.push_back(ParseDifference(line.substr(1), graphs.back(), place));
  });
  return graphs;
}

std::vector<Graph> ReadGraph6(const std::string& path) {
  const io::MappedFile file(path);
  const auto bytes = file.contents();
  std::vector<Graph> graphs = ParseGraph6Lines({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
  Check(!graphs.empty(), path, " has no graphs");
  return graphs;
}

std::string FormatGraph6(const Graph& graph) {
  Check(graph.n >= 0 && graph.n <= kMostNodes, "graph6 of ", graph.n, " nodes");
  std::string line;
  if (graph.n < 63) {
    line += static_cast<char>(63 + graph.n);
  } else {
    line += '~';
    for (const int shift : {12, 6, 0}) line += static_cast<char>(63 + (graph.n >> shift & 63));
  }
  const int64_t bits = graph.n * (graph.n - 1) / 2;
  const size_t begin = line.size();
  line.append((bits + 5) / 6, 63);
  for (const Edge& edge : graph.edges) {
    Check(edge.source != edge.target, "graph6 cannot tell of the self-loop of node ", edge.source);
    const int64_t i = std::min(edge.source, edge.target), j = std::max(edge.source, edge.target);
    const int64_t bit = j * (j - 1) / 2 + i;
    char& c = line[begin + bit / 6];
    c = static_cast<char>(63 + ((c - 63) | 1 << (5 - bit % 6)));
  }
  return line;
}

}  // namespace orbit
