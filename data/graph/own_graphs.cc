#include "data/graph/own_graphs.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "data/graph/graph6.h"
#include "data/io/text_lines.h"
#include "engine/io/mapped_file.h"

namespace orbit {
namespace {

constexpr int64_t kMostNodes = 100000;
constexpr const char* kLabels = "labels.txt";

// Calls f for every line that has text before the comment, with that text and its place.
void ForEachRow(std::string_view text, const std::string& name,
                const std::function<void(std::string_view, const std::string&)>& f) {
  ForEachLine(text, name, [&](std::string_view line, const std::string& place) {
    line = line.substr(0, line.find_first_of("#%"));
    if (!line.empty()) f(line, place);
  });
}

// A file's extension, from the last dot on, in lower case.
std::string ExtensionOf(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool IsEdgeList(const std::string& extension) { return extension == ".edges" || extension == ".mtx"; }
bool IsGraph6(const std::string& extension) { return extension == ".g6" || extension == ".s6" || extension == ".d6"; }

// Whether the first line that is not a comment cannot be graph6, sparse6 or digraph6, whose characters are the 64 from
// '?' on.
bool LooksLikeEdgeList(std::string_view text, const std::string& name) {
  std::optional<bool> is_list;
  ForEachLine(text, name, [&](std::string_view line, const std::string&) {
    if (is_list || line[0] == '#' || line[0] == '%' || line.starts_with(">>")) return;
    if (line[0] == ':' || line[0] == ';' || line[0] == '&') line.remove_prefix(1);
    is_list = std::any_of(line.begin(), line.end(), [](char c) { return c < 63 || c > 126; });
  });
  return is_list.value_or(false);
}

std::vector<Graph> ReadFile(const std::string& path, const Note& note) {
  const std::string extension = ExtensionOf(path);
  if (IsGraph6(extension)) return ReadGraph6(path);
  const io::MappedFile file(path);
  const std::string_view text = TextOf(file);
  if (!IsEdgeList(extension)) {
    if (!LooksLikeEdgeList(text, path)) return ReadGraph6(path);
    note(path + " is read as an edge list");
  }
  return {ParseEdgeList(text, path, note)};
}

void ReadTargets(const std::string& path, std::vector<Graph>& graphs) {
  const io::MappedFile file(path);
  size_t read = 0;
  ForEachRow(TextOf(file), path, [&](std::string_view line, const std::string& place) {
    Check(read < graphs.size(), place, ": one class more than there are graphs (", graphs.size(), ")");
    graphs[read++].target = ParseNumber<int64_t>(NextWord(line), place, "class, which is an integer");
    Check(NextWord(line).empty(), place, ": more than one class");
  });
  Check(read == graphs.size(), path, ": ", read, " classes for ", graphs.size(), " graphs");
}

int32_t ParseNode(std::string_view word, const std::string& place) {
  const auto number = ParseNumber<int64_t>(word, place, "node; a line of an edge list is two of them, as in '0 1'");
  Check(number >= 0 && number < kMostNodes, place, ": node ", number, "; there are at most ", kMostNodes, ", from 0");
  return static_cast<int32_t>(number);
}

void AddEdge(Graph& graph, int32_t a, int32_t b) {
  graph.edges.push_back({a, b});
  graph.edges.push_back({b, a});
}

// The format: a banner, "%%MatrixMarket matrix coordinate FIELD SYMMETRY"; the numbers of rows, columns and entries;
// then the entries, counted from 1: row, column and, unless FIELD is pattern, a value.
Graph ParseMatrixMarket(std::string_view text, const std::string& name) {
  Graph graph;
  std::string field, symmetry;
  int64_t entries = -1, read = 0;
  ForEachLine(text, name, [&](std::string_view line, const std::string& place) {
    if (field.empty()) {
      for (const char* word : {"%%MatrixMarket", "matrix", "coordinate"})
        Check(NextWord(line) == word, place, ": a Matrix Market file that is no matrix in coordinates");
      field = NextWord(line);
      symmetry = NextWord(line);
      Check(field == "pattern" || field == "integer" || field == "real", place, ": Matrix Market entries that are ",
            field);
      Check(symmetry == "general" || symmetry == "symmetric", place, ": a Matrix Market matrix that is ", symmetry);
      return;
    }
    if (line[0] == '%') return;
    if (entries < 0) {
      graph.n = ParseNumber<int64_t>(NextWord(line), place, "number of rows");
      const auto columns = ParseNumber<int64_t>(NextWord(line), place, "number of columns");
      entries = ParseNumber<int64_t>(NextWord(line), place, "number of entries");
      Check(graph.n == columns && graph.n >= 0 && graph.n <= kMostNodes, place, ": a matrix of ", graph.n, " x ",
            columns, "; a graph's is square, with at most ", kMostNodes, " rows");
    } else {
      const auto target = ParseNumber<int64_t>(NextWord(line), place, "row");
      const auto source = ParseNumber<int64_t>(NextWord(line), place, "column");
      Check(target >= 1 && target <= graph.n && source >= 1 && source <= graph.n, place, ": entry ", target, " ",
            source, " of a matrix of ", graph.n, " rows");
      if (field != "pattern")
        Check(ParseNumber<double>(NextWord(line), place, "value") == 1, place, ": a weight that is not 1");
      const auto a = static_cast<int32_t>(source - 1), b = static_cast<int32_t>(target - 1);
      if (symmetry == "symmetric")
        AddEdge(graph, a, b);
      else
        graph.edges.push_back({a, b});
      ++read;
    }
    Check(NextWord(line).empty(), place, ": more words than a Matrix Market file's line has");
  });
  Check(read == entries, name, ": ", read, " entries of ", entries);
  MergeEdges(graph);
  return graph;
}

}  // namespace

Graph ParseEdgeList(std::string_view text, const std::string& name, const Note& note) {
  if (text.substr(0, text.find_first_of("\n\r")).find("%%MatrixMarket") <= 3) return ParseMatrixMarket(text, name);
  Graph graph;
  int64_t announced = -1;
  std::map<int32_t, float> labels;
  ForEachRow(text, name, [&](std::string_view line, const std::string& place) {
    std::string_view rest = line;
    const std::string_view first = NextWord(rest);
    if (first == "nodes") {
      Check(announced < 0, place, ": a second line of nodes");
      announced = ParseNumber<int64_t>(NextWord(rest), place, "number of nodes");
      Check(announced >= 0 && announced <= kMostNodes, place, ": a graph of ", announced, " nodes; at most ",
            kMostNodes, " are possible");
    } else if (first == "label") {
      const int32_t labelled = ParseNode(NextWord(rest), place);
      const auto label = ParseNumber<float>(NextWord(rest), place, "label, which is a number");
      Check(std::isfinite(label), place, ": a label that is not finite");
      Check(labels.emplace(labelled, label).second, place, ": a second label of node ", labelled);
    } else {
      const int32_t a = ParseNode(first, place), b = ParseNode(NextWord(rest), place);
      AddEdge(graph, a, b);
      std::string_view attributes = rest;
      if (NextWord(attributes) == "{}") rest = attributes;
    }
    Check(NextWord(rest).empty(), place, ": more words than an edge list's line has; weights are not read");
  });
  int32_t smallest = INT32_MAX, largest = -1;
  const auto mention = [&](int32_t node) {
    smallest = std::min(smallest, node);
    largest = std::max(largest, node);
  };
  for (const Edge& edge : graph.edges) mention(edge.source);
  for (const auto& [node, label] : labels) mention(node);
  // If more nodes are announced than the largest number, node 0 is one of them, without edges.
  const bool one_based = smallest == 1 && (announced < 0 || announced == largest);
  if (one_based) {
    note(name + ": no line has a node 0: nodes are taken to be numbered from 1 (`nodes " + std::to_string(largest + 1) +
         "` would keep a node 0 without edges)");
    for (Edge& edge : graph.edges) edge = {edge.source - 1, edge.target - 1};
  }
  const int64_t needed = one_based ? largest : largest + 1;
  Check(announced < 0 || needed <= announced, name, ": node ", largest, " of ", announced, " nodes");
  graph.n = announced >= 0 ? announced : needed;
  if (!labels.empty()) graph.labels.assign(graph.n, 1.0f);
  for (const auto& [node, label] : labels) graph.labels[one_based ? node - 1 : node] = label;
  MergeEdges(graph);
  return graph;
}

std::vector<std::string> GraphFiles(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::string other;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string extension = ExtensionOf(entry->path());
    if (IsEdgeList(extension) || IsGraph6(extension))
      files.push_back(entry->path().string());
    else if (entry->path().filename() != kLabels)
      other = "; in a folder these endings tell the format, and there is " + entry->path().filename().string();
  }
  Check(!error, "cannot list ", folder, ": ", error.message());
  Check(!files.empty(), folder, " has no graphs: no files *.edges, *.mtx, *.g6, *.s6 or *.d6", other);
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Graph> ReadGraphs(const std::string& path, const Note& note) {
  if (!std::filesystem::is_directory(path)) return ReadFile(path, note);
  std::vector<Graph> graphs;
  for (const std::string& file : GraphFiles(path))
    for (Graph& graph : ReadFile(file, note)) graphs.push_back(std::move(graph));
  Check(!graphs.empty(), "the graph files of ", path, " have no graphs");
  const std::filesystem::path labels = std::filesystem::path(path) / kLabels;
  if (std::filesystem::exists(labels)) ReadTargets(labels.string(), graphs);
  return graphs;
}

}  // namespace orbit
