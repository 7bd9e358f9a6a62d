#include "data/graph/own_graphs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>

#include "data/graph/graph6.h"
#include "data/io/text_lines.h"
#include "engine/io/mapped_file.h"

namespace orbit {
namespace {

constexpr int64_t kMostNodes = 100000;
constexpr const char* kLabels = "labels.txt";

bool IsGraphFile(const std::filesystem::path& path) {
  const std::filesystem::path extension = path.extension();
  return extension == ".edges" || extension == ".g6" || extension == ".s6" || extension == ".d6";
}

std::vector<Graph> ReadFile(const std::string& path) {
  if (!path.ends_with(".edges")) return ReadGraph6(path);
  const io::MappedFile file(path);
  return {ParseEdgeList(TextOf(file), path)};
}

// Calls f with what stands before the comment, and the place, of every line that has it.
void ForEachRow(std::string_view text, const std::string& name,
                const std::function<void(std::string_view, const std::string&)>& f) {
  ForEachLine(text, name, [&](std::string_view line, const std::string& place) {
    line = line.substr(0, line.find('#'));
    if (!line.empty()) f(line, place);
  });
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

}  // namespace

Graph ParseEdgeList(std::string_view text, const std::string& name) {
  Graph graph;
  int64_t announced = -1;
  std::map<int64_t, float> labels;
  ForEachRow(text, name, [&](std::string_view line, const std::string& place) {
    const auto node = [&] {
      const auto number = ParseNumber<int64_t>(NextWord(line), place, "node");
      Check(number >= 0 && number < kMostNodes, place, ": node ", number, "; there are at most ", kMostNodes,
            ", from 0");
      graph.n = std::max(graph.n, number + 1);
      return static_cast<int32_t>(number);
    };
    std::string_view rest = line;
    const std::string_view first = NextWord(rest);
    if (first == "nodes") {
      Check(announced < 0, place, ": a second line of nodes");
      announced = ParseNumber<int64_t>(NextWord(rest), place, "number of nodes");
      Check(announced >= 0 && announced <= kMostNodes, place, ": a graph of ", announced, " nodes; at most ",
            kMostNodes, " are possible");
      line = rest;
    } else if (first == "label") {
      line = rest;
      const int32_t labelled = node();
      const auto label = ParseNumber<float>(NextWord(line), place, "label, which is a number");
      Check(std::isfinite(label), place, ": a label that is not finite");
      Check(labels.emplace(labelled, label).second, place, ": a second label of node ", labelled);
    } else {
      const int32_t a = node(), b = node();
      graph.edges.push_back({a, b});
      graph.edges.push_back({b, a});
    }
    Check(NextWord(line).empty(), place, ": more words than an edge list's line has");
  });
  Check(announced < 0 || graph.n <= announced, name, ": node ", graph.n - 1, " of ", announced, " nodes");
  if (announced >= 0) graph.n = announced;
  if (!labels.empty()) graph.labels.assign(graph.n, 1.0f);
  for (const auto& [node, label] : labels) graph.labels[node] = label;
  MergeEdges(graph);
  return graph;
}

std::vector<std::string> GraphFiles(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (IsGraphFile(entry->path())) files.push_back(entry->path().string());
  Check(!error, "cannot list ", folder, ": ", error.message());
  Check(!files.empty(), folder, " has no graphs: no files *.edges, *.g6, *.s6 or *.d6");
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Graph> ReadGraphs(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return ReadFile(path);
  std::vector<Graph> graphs;
  for (const std::string& file : GraphFiles(path))
    for (Graph& graph : ReadFile(file)) graphs.push_back(std::move(graph));
  Check(!graphs.empty(), "the graph files of ", path, " have no graphs");
  const std::filesystem::path labels = std::filesystem::path(path) / kLabels;
  if (std::filesystem::exists(labels)) ReadTargets(labels.string(), graphs);
  return graphs;
}

}  // namespace orbit
