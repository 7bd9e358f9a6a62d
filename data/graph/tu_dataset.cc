#include "data/graph/tu_dataset.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <type_traits>

#include "data/io/text_lines.h"

namespace orbit {
namespace {

template <class T>
struct Table {
  std::string path;
  int64_t rows = 0, width = 0;
  std::vector<T> values;  // [rows, width]

  bool exists() const { return !path.empty(); }
  std::string Place(int64_t row) const { return path + ":" + std::to_string(row + 1); }
};

// Reads a file of numbers, `width` per line (0: as many as on the first line), separated by commas or blanks.
template <class T>
Table<T> ReadTable(const std::string& path, int64_t width, const char* what) {
  const io::MappedFile file(path);
  Table<T> table{.path = path, .width = width};
  ForEachLine(TextOf(file), path, [&](std::string_view line, const std::string& place) {
    Check(place == table.Place(table.rows), table.Place(table.rows), ": an empty line");
    int64_t words = 0;
    for (std::string_view word; !(word = NextWord(line, " \t\r,")).empty(); ++words) {
      table.values.push_back(ParseNumber<T>(word, place, what));
      if constexpr (std::is_floating_point_v<T>)
        Check(std::isfinite(table.values.back()), place, ": '", word, "' is not finite");
    }
    if (table.width == 0) table.width = words;
    Check(words == table.width && words > 0, place, ": ", words, " values, not ", table.width);
    ++table.rows;
  });
  return table;
}

// ReadTable, or an empty table if there is no such file.
template <class T>
Table<T> ReadTableIfThere(const std::string& path, int64_t width, const char* what) {
  return std::filesystem::exists(path) ? ReadTable<T>(path, width, what) : Table<T>{};
}

template <class T>
void CheckRows(const Table<T>& table, int64_t rows, const char* what) {
  Check(!table.exists() || table.rows == rows, table.path, ": ", table.rows, " lines for ", rows, " ", what);
}

}  // namespace

LabelledGraphs ReadTuDataset(const std::string& prefix, GraphTarget target) {
  const auto members = ReadTable<int64_t>(prefix + "_graph_indicator.txt", 1, "graph, which is an integer");
  const auto ends = ReadTable<int64_t>(prefix + "_A.txt", 2, "node, which is an integer");
  const auto kinds = ReadTableIfThere<int64_t>(prefix + "_node_labels.txt", 1, "kind of node, which is an integer");
  const auto attributes = ReadTableIfThere<double>(prefix + "_node_attributes.txt", 0, "number");
  const auto classes = ReadTableIfThere<int64_t>(prefix + "_graph_labels.txt", 1, "class, which is an integer");
  const auto values = ReadTableIfThere<double>(prefix + "_graph_attributes.txt", 0, "number");
  const bool has_labels = target == GraphTarget::kClass ? classes.exists() : values.exists();
  const int64_t nodes = members.rows;
  Check(nodes > 0, members.path, " has no nodes");
  CheckRows(kinds, nodes, "nodes");
  CheckRows(attributes, nodes, "nodes");

  // Every graph has a node, so there are no more graphs than nodes.
  const int64_t count = std::max<int64_t>(1, *std::max_element(members.values.begin(), members.values.end()));
  LabelledGraphs data{.attributes = attributes.width};
  data.graphs.resize(std::min(count, nodes));
  if (kinds.exists()) data.kinds.resize(data.graphs.size());
  std::vector<int32_t> places(nodes);  // of the nodes, within their graphs
  for (int64_t i = 0; i < nodes; ++i) {
    const int64_t number = members.values[i] - 1;
    Check(number >= 0 && number < nodes, members.Place(i), ": graph ", number + 1, "; graphs are numbered from 1, and ",
          nodes, " nodes are no more graphs than that");
    Graph& graph = data.graphs[number];
    places[i] = static_cast<int32_t>(graph.n++);
    if (kinds.exists()) data.kinds[number].push_back(kinds.values[i]);
    for (int64_t a = 0; a < attributes.width; ++a)
      graph.labels.push_back(static_cast<float>(attributes.values[i * attributes.width + a]));
  }
  for (size_t g = 0; g < data.graphs.size(); ++g)
    Check(data.graphs[g].n > 0, members.path, ": graph ", g + 1, " of ", count, " has no nodes");
  for (int64_t e = 0; e < ends.rows; ++e) {
    const int64_t i = ends.values[2 * e] - 1, j = ends.values[2 * e + 1] - 1;
    Check(i >= 0 && i < nodes && j >= 0 && j < nodes, ends.Place(e), ": an edge from node ", i + 1, " to ", j + 1,
          "; the ", nodes, " nodes are numbered from 1");
    Check(members.values[i] == members.values[j], ends.Place(e), ": an edge from node ", i + 1, " of graph ",
          members.values[i], " to node ", j + 1, " of graph ", members.values[j]);
    data.graphs[members.values[i] - 1].edges.push_back({places[i], places[j]});
  }
  for (Graph& graph : data.graphs) MergeEdges(graph);

  CheckRows(classes, count, "graphs");
  CheckRows(values, count, "graphs");
  if (!has_labels) return data;
  if (target == GraphTarget::kClass) {
    data.outputs = 1;
    data.targets.assign(classes.values.begin(), classes.values.end());
  } else {
    data.outputs = values.width;
    data.targets = values.values;
  }
  return data;
}

}  // namespace orbit
