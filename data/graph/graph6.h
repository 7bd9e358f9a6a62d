// graph6, sparse6 and digraph6, the text formats of nauty (McKay and Piperno, formats.txt), with one graph per line.
#ifndef ORBIT_DATA_GRAPH_GRAPH6_H_
#define ORBIT_DATA_GRAPH_GRAPH6_H_

#include <string>
#include <string_view>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

// Parses one line, whose first character gives the format: ':' sparse6, '&' digraph6, else graph6. Repeated edges are
// merged; edges of undirected graphs appear in both directions. Throws Error, starting with `place`, for malformed
// lines. Memory is bounded by the length of the line; graphs have at most 100,000 nodes.
Graph ParseGraph6(std::string_view line, const std::string& place);

// Parses all lines of a text, with or without a header such as >>graph6<<. Ignores empty lines, and blanks around
// lines. A line of incremental sparse6, ';', lists the edges in which a graph differs from the previous one.
std::vector<Graph> ParseGraph6Lines(std::string_view text, const std::string& name);
std::vector<Graph> ReadGraph6(const std::string& path);

// An undirected graph in graph6, without newline. Throws Error for self-loops, which the format cannot express.
std::string FormatGraph6(const Graph& graph);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_GRAPH6_H_
