// A user's own graphs, from a file or a folder.
#ifndef ORBIT_DATA_GRAPH_OWN_GRAPHS_H_
#define ORBIT_DATA_GRAPH_OWN_GRAPHS_H_

#include <string>
#include <string_view>
#include <vector>

#include "data/graph/graphs.h"
#include "data/io/note.h"

namespace orbit {

// Parses an edge list: one undirected graph as text. Nodes are numbered from 0. They are numbered from 1 if no line
// mentions a node 0 and none announces more nodes than the largest number; `note` reports that. # and % start comments.
// A line is one of
//
//   0 1           an edge; {} may follow, as written by NetworkX
//   nodes 7       the number of nodes; without it, as many as edges and labels mention
//   label 3 2.5   the label of node 3; without it, 1
//
// Repeated edges are merged, in either direction; a self-loop is kept as one edge. An empty text is a graph without
// nodes. At most 100,000 nodes (as in graph6). Throws Error with NAME:LINE and the fault.
//
// A text that starts with %%MatrixMarket is read in that format: a square matrix in coordinates, in which an entry i j
// is an edge from j to i, in both directions if the matrix is symmetric. All values must be 1.
Graph ParseEdgeList(std::string_view text, const std::string& name, const Note& note = PrintNote);

// Reads a file or a folder. The extension, in upper or lower case, gives a file's format: .edges and .mtx are edge
// lists; .g6, .s6 and .d6 hold graph6, sparse6 or digraph6, one graph per line (graph6.h). With any other extension the
// first line that is not a comment decides; if it is an edge list, `note` reports that.
//
// Of a folder, all GraphFiles are read in order. labels.txt, if there is one, has the graphs' classes in the same
// order, one integer per line; otherwise all classes are 0.
//
// Throws Error with the file, the line where possible, and the fault.
std::vector<Graph> ReadGraphs(const std::string& path, const Note& note = PrintNote);

// The paths of a folder's files *.edges, *.mtx, *.g6, *.s6 and *.d6, in upper or lower case, in byte order. Ignores
// other files. Throws Error if there are none.
std::vector<std::string> GraphFiles(const std::string& folder);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_OWN_GRAPHS_H_
