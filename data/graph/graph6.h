// graph6, sparse6 and digraph6, the text formats of nauty (McKay and Piperno, formats.txt): a graph a line.
#ifndef ORBIT_DATA_GRAPH_GRAPH6_H_
#define ORBIT_DATA_GRAPH_GRAPH6_H_

#include <string>
#include <string_view>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

// One line in either format, told by its first character: ':' sparse6, '&' digraph6, else graph6. Edges are merged;
// those of undirected graphs come in both directions. Throws Error, beginning with `place`, for what is malformed. A
// line makes nothing larger than its length justifies; graphs have at most 100,000 nodes.
Graph ParseGraph6(std::string_view line, const std::string& place);

// All lines of a text, with or without a header such as >>graph6<<; empty lines are skipped, and blanks around a line.
// A line of incremental sparse6, ';', tells the edges in which a graph differs from the one before.
std::vector<Graph> ParseGraph6Lines(std::string_view text, const std::string& name);
std::vector<Graph> ReadGraph6(const std::string& path);

// An undirected graph in graph6, without the newline. Self-loops cannot be told: throws Error.
std::string FormatGraph6(const Graph& graph);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_GRAPH6_H_
