// A user's own graphs, from a file or a folder.
#ifndef ORBIT_DATA_GRAPH_OWN_GRAPHS_H_
#define ORBIT_DATA_GRAPH_OWN_GRAPHS_H_

#include <string>
#include <string_view>
#include <vector>

#include "data/graph/graphs.h"
#include "data/io/note.h"

namespace orbit {

// An edge list: one undirected graph as text. Nodes are numbered from 0, or from 1 where nothing speaks of a node 0 and
// no line tells of more nodes than the largest number; `note` is told of that. # and % begin a comment; a line is one
// of
//
//   0 1           an edge; {} may follow, as NetworkX writes it
//   nodes 7       how many there are; else as many as edges and labels speak of
//   label 3 2.5   node 3's label; else 1
//
// Repeated edges are merged, whichever way round; a self-loop stays, as one edge. An empty text is a graph without
// nodes. At most 100,000 nodes (as in graph6). Throws Error with NAME:LINE and what is wrong there.
//
// A text that begins with %%MatrixMarket is read as that: a square matrix in coordinates, whose entry i j is an edge
// from j to i, both ways where it is symmetric; its values must all be 1.
Graph ParseEdgeList(std::string_view text, const std::string& name, const Note& note = PrintNote);

// A file, by the end of its name in either case: .edges and .mtx are edge lists; .g6, .s6 and .d6 hold graph6, sparse6
// or digraph6, a graph a line (graph6.h). With any other name the first line that is no comment decides, and `note` is
// told where that is an edge list.
//
// A folder: all of its GraphFiles, in their order. If it has a labels.txt, that gives the graphs' classes, an integer a
// line, as many as there are graphs, in their order; else all are 0.
//
// Throws Error with the file, and the line where there is one, and what is wrong.
std::vector<Graph> ReadGraphs(const std::string& path, const Note& note = PrintNote);

// The paths of a folder's files *.edges, *.mtx, *.g6, *.s6 and *.d6, in either case and in byte order; other files are
// left alone. Throws Error where there are none.
std::vector<std::string> GraphFiles(const std::string& folder);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_OWN_GRAPHS_H_
