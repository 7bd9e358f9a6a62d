#include "data/graph/labelled_graphs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "data/graph/own_graphs.h"
#include "data/graph/tu_dataset.h"
#include "data/io/text_lines.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAdjacency = "_A.txt";

// The numbers of a data set's graphs: those of the file NAME are [first, first + count).
struct GraphNumbers {
  struct Range {
    int64_t first, count;
  };
  std::map<std::string, Range, std::less<>> files;
  int64_t count = 0;

  // The graph that a table field refers to, or -1 if it is neither a file nor a number. Throws Error for a number out
  // of range, and for a file that does not have exactly one graph.
  int64_t Find(std::string_view field, const std::string& place) const {
    if (const auto file = files.find(field); file != files.end()) {
      Check(file->second.count == 1, place, ": ", field, " has ", file->second.count,
            " graphs; those of such files are told by their numbers");
      return file->second.first;
    }
    int64_t number = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    if (error != std::errc() || end != field.data() + field.size()) return -1;
    Check(number >= 0 && number < count, place, ": graph ", number, " of ", count, ", which are numbered from 0");
    return number;
  }
};

// Calls f for every line of FOLDER/NAME, with the number of its graph, the rest of the line and its place. Throws Error
// unless every graph has exactly one line. Returns false if there is no such file.
bool ReadTableOfGraphs(const std::string& folder, const std::string& name, const GraphNumbers& graphs,
                       const std::function<void(int64_t, std::string_view, const std::string&)>& f) {
  const std::string path = fs::path(folder) / name;
  if (!fs::exists(path)) return false;
  const io::MappedFile file(path);
  std::vector<bool> told(graphs.count);
  bool first = true;
  ForEachLine(TextOf(file), path, [&](std::string_view line, const std::string& place) {
    const std::string_view field = NextField(line);
    const int64_t number = graphs.Find(field, place);
    const bool is_header = number < 0 && first;
    first = false;
    if (is_header) return;
    Check(number >= 0, place, ": there is no graph file '", field, "' in ", folder);
    Check(!told[number], place, ": the graph ", field, " for the second time");
    told[number] = true;
    f(number, line, place);
  });
  const int64_t missing = std::count(told.begin(), told.end(), false);
  Check(missing == 0, path, ": nothing of ", missing, " of ", graphs.count, " graphs, the first of them number ",
        std::find(told.begin(), told.end(), false) - told.begin());
  return true;
}

void ReadLabels(const std::string& folder, const GraphNumbers& numbers, GraphTarget target, LabelledGraphs& data) {
  std::vector<std::vector<double>> rows(data.graphs.size());
  const auto read = [&](int64_t number, std::string_view line, const std::string& place) {
    do {
      const std::string_view field = NextField(line);
      const double value = target == GraphTarget::kClass
                               ? static_cast<double>(ParseNumber<int64_t>(field, place, "class, which is an integer"))
                               : ParseNumber<double>(field, place, "number");
      Check(std::isfinite(value), place, ": '", field, "' is not finite");
      rows[number].push_back(value);
    } while (!line.empty());
    if (data.outputs == 0) data.outputs = static_cast<int64_t>(rows[number].size());
    Check(static_cast<int64_t>(rows[number].size()) == data.outputs, place, ": ", rows[number].size(), " labels, not ",
          data.outputs);
    Check(target == GraphTarget::kValues || data.outputs == 1, place, ": more than one class");
  };
  if (!ReadTableOfGraphs(folder, "labels.csv", numbers, read)) return;
  for (const std::vector<double>& row : rows) data.targets.insert(data.targets.end(), row.begin(), row.end());
}

void ReadSplits(const std::string& folder, const GraphNumbers& numbers, LabelledGraphs& data) {
  std::vector<Split> splits(data.graphs.size());
  const bool found = ReadTableOfGraphs(folder, "splits.csv", numbers,
                                       [&](int64_t number, std::string_view line, const std::string& place) {
                                         const std::string name(NextField(line));
                                         try {
                                           splits[number] = ParseSplit(name);
                                         } catch (const Error& error) {
                                           Fail(place, ": ", error.what());
                                         }
                                         Check(line.empty(), place, ": more than one split");
                                       });
  if (!found) return;
  data.splits.emplace();
  for (size_t g = 0; g < splits.size(); ++g)
    (*data.splits)[static_cast<size_t>(splits[g])].push_back(static_cast<int64_t>(g));
}

// The prefixes FOLDER/NAME of the TUDatasets in a folder.
std::vector<std::string> FindTuDatasets(const std::string& folder) {
  std::vector<std::string> prefixes;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const std::string path = entry->path().string(); path.ends_with(kAdjacency))
      prefixes.push_back(path.substr(0, path.size() - kAdjacency.size()));
  Check(!error, "cannot list ", folder, ": ", error.message());
  std::sort(prefixes.begin(), prefixes.end());
  return prefixes;
}

// Reads graph files, whose nodes have one label each.
LabelledGraphs ReadGraphFiles(const std::string& folder, GraphNumbers& numbers) {
  LabelledGraphs data{.attributes = 1};
  for (const std::string& file : GraphFiles(folder)) {
    const auto first = static_cast<int64_t>(data.graphs.size());
    for (Graph& graph : ReadGraphs(file)) {
      Check(graph.n > 0, file, ": a graph without nodes");
      if (graph.labels.empty()) graph.labels.assign(graph.n, 1.0f);
      data.graphs.push_back(std::move(graph));
    }
    numbers.files[fs::path(file).filename()] = {first, static_cast<int64_t>(data.graphs.size()) - first};
  }
  Check(!data.graphs.empty(), "the graph files of ", folder, " have no graphs");
  return data;
}

// Whether any edge has no reverse edge.
bool IsDirected(const Graph& graph) {
  std::set<std::pair<int32_t, int32_t>> edges;
  for (const Edge& edge : graph.edges) edges.emplace(edge.source, edge.target);
  return std::any_of(graph.edges.begin(), graph.edges.end(), [&](const Edge& edge) {
    return edges.count({edge.target, edge.source}) == 0;
  });
}

std::vector<int64_t> Distinct(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

LabelledGraphs ReadLabelledGraphs(const std::string& folder, GraphTarget target) {
  Check(fs::is_directory(folder), folder, " is no folder: graphs with labels are read from one");
  const std::vector<std::string> prefixes = FindTuDatasets(folder);
  Check(prefixes.size() <= 1, folder, " has more than one TUDataset: ", prefixes.front(), kAdjacency, " and ",
        prefixes.back(), kAdjacency);
  GraphNumbers numbers;
  LabelledGraphs data = prefixes.empty() ? ReadGraphFiles(folder, numbers) : ReadTuDataset(prefixes[0], target);
  numbers.count = static_cast<int64_t>(data.graphs.size());
  if (prefixes.empty()) ReadLabels(folder, numbers, target, data);
  ReadSplits(folder, numbers, data);
  return data;
}

std::vector<int64_t> FindKinds(const LabelledGraphs& data) {
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& kinds : data.kinds) {
    all.insert(all.end(), kinds.begin(), kinds.end());
    all = Distinct(std::move(all));
  }
  return all;
}

std::vector<int64_t> FindClasses(const LabelledGraphs& data) {
  return Distinct(std::vector<int64_t>(data.targets.begin(), data.targets.end()));
}

void EncodeKinds(const std::vector<int64_t>& kinds, LabelledGraphs& data) {
  const auto more = static_cast<int64_t>(kinds.size());
  Check(kinds.empty() || !data.kinds.empty(), "the nodes are of no kind, where ", more, " kinds are known");
  for (size_t g = 0; g < data.kinds.size(); ++g) {
    Graph& graph = data.graphs[g];
    std::vector<float> labels;
    for (int64_t i = 0; i < graph.n; ++i) {
      const auto kind = std::find(kinds.begin(), kinds.end(), data.kinds[g][i]);
      Check(kind != kinds.end(), "graph ", g, " has a node of kind ", data.kinds[g][i], ", which is not known");
      labels.resize(labels.size() + more);
      labels[labels.size() - more + (kind - kinds.begin())] = 1;
      const auto attributes = graph.labels.begin() + i * data.attributes;
      labels.insert(labels.end(), attributes, attributes + data.attributes);
    }
    graph.labels = std::move(labels);
  }
  data.attributes += more;
  data.kinds.clear();
}

std::string Describe(const LabelledGraphs& data, GraphTarget target) {
  int64_t nodes = 0, edges = 0, smallest = data.graphs.at(0).n;
  bool directed = false;
  for (const Graph& graph : data.graphs) {
    nodes += graph.n;
    edges += static_cast<int64_t>(graph.edges.size());
    smallest = std::min(smallest, graph.n);
    directed = directed || IsDirected(graph);
  }
  char mean[32];
  std::snprintf(mean, sizeof(mean), "%.3g", static_cast<double>(nodes) / static_cast<double>(data.graphs.size()));
  std::string text = std::to_string(data.graphs.size()) + " graphs of " + std::to_string(smallest) + " to " +
                     std::to_string(LargestGraph(data.graphs)) + " nodes, " + mean + " on average; " +
                     std::to_string(edges) + (directed ? " edges, some of them one-way" : " edges, each both ways");
  if (!data.kinds.empty()) text += "; nodes of " + std::to_string(FindKinds(data).size()) + " kinds";
  if (data.attributes > 0) text += "; numbers of a node: " + std::to_string(data.attributes);
  if (data.outputs == 0) return text + "; no labels";
  if (target == GraphTarget::kValues) return text + "; values of a graph: " + std::to_string(data.outputs);
  text += "; classes";
  for (const int64_t label : FindClasses(data))
    text += (text.ends_with("classes") ? " " : ", ") + std::to_string(label) + " (" +
            std::to_string(std::count(data.targets.begin(), data.targets.end(), static_cast<double>(label))) + ")";
  return text;
}

}  // namespace orbit
