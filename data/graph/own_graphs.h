// A user's own graphs, from a file or a folder.
#ifndef ORBIT_DATA_GRAPH_OWN_GRAPHS_H_
#define ORBIT_DATA_GRAPH_OWN_GRAPHS_H_

#include <string>
#include <string_view>
#include <vector>

#include "data/graph/graphs.h"

namespace orbit {

// An edge list: one undirected graph as text. Nodes are numbered from 0; # begins a comment; a line is one of
//
//   0 1           an edge
//   nodes 7       how many there are; else as many as edges and labels speak of
//   label 3 2.5   node 3's label; else 1
//
// Repeated edges are merged, whichever way round; a self-loop stays, as one edge. An empty text is a graph without
// nodes. At most 100,000 nodes (as in graph6). Throws Error with NAME:LINE and what is wrong there.
Graph ParseEdgeList(std::string_view text, const std::string& name);

// A file: an edge list where its name ends in .edges, else graph6, sparse6 or digraph6, a graph a line (data/graph6.h).
//
// A folder: all of its GraphFiles, in their order. If it has a labels.txt, that gives the graphs' classes, an integer a
// line, as many as there are graphs, in their order; else all are 0.
//
// Throws Error with the file, and the line where there is one, and what is wrong.
std::vector<Graph> ReadGraphs(const std::string& path);

// The paths of a folder's files *.edges, *.g6, *.s6 and *.d6, in byte order; other files are left alone. Throws Error
// where there are none.
std::vector<std::string> GraphFiles(const std::string& folder);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_OWN_GRAPHS_H_
