// A user's own graphs, with what is to be predicted of each of them.
#ifndef ORBIT_DATA_GRAPH_LABELLED_GRAPHS_H_
#define ORBIT_DATA_GRAPH_LABELLED_GRAPHS_H_

#include <optional>
#include <string>
#include <vector>

#include "data/graph/graphs.h"
#include "data/split.h"

namespace orbit {

enum class GraphTarget : uint8_t {
  kClass,   // an integer
  kValues,  // one finite number or several
};

struct LabelledGraphs {
  std::vector<Graph> graphs;
  std::vector<std::vector<int64_t>> kinds;  // of every graph's nodes; empty where the data tells of none
  int64_t attributes = 0;                   // numbers of a node, in Graph::labels [n, attributes]
  int64_t outputs = 0;                      // of a graph; 0: the data has no labels
  std::vector<double> targets;              // [graphs, outputs]: classes, or values
  std::optional<SplitNumbers> splits;       // where the data tells of them
};

// From a folder, of either kind:
//
// Graph files (data/graph/own_graphs.h), whose graphs are numbered from 0 through all files. labels.csv labels them, a
// line each, FILE,LABEL or NUMBER,LABEL; a file with several graphs is labelled by numbers. Values may be several,
// NUMBER,VALUE,VALUE. A first line that names no graph is a header.
//
// A TUDataset (Morris et al., TUDataset: A collection of benchmark datasets for learning with graphs, 2020), told by
// its NAME_A.txt: see data/graph/tu_dataset.h.
//
// Data without labels are read too; the labels must be those of all graphs where there are any. A splits.csv,
// FILE,SPLIT or NUMBER,SPLIT with a split of train, valid and test, tells which graph belongs where; it too tells it of
// all. Throws Error with the file, and the line where there is one, and what is wrong.
LabelledGraphs ReadLabelledGraphs(const std::string& folder, GraphTarget target);

// The different kinds of the nodes, in ascending order.
std::vector<int64_t> FindKinds(const LabelledGraphs& data);

// The different classes, in ascending order.
std::vector<int64_t> FindClasses(const LabelledGraphs& data);

// Turns the nodes' kinds into attributes, one-hot before the others: graphs of `kinds.size()` more attributes. Throws
// Error for a node of another kind.
void EncodeKinds(const std::vector<int64_t>& kinds, LabelledGraphs& data);

// "188 graphs of 10 to 28 nodes, 17.9 on average; 7,442 edges, undirected; nodes of 7 kinds; classes -1 (63), 1 (125)"
std::string Describe(const LabelledGraphs& data, GraphTarget target);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_LABELLED_GRAPHS_H_
