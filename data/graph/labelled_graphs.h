// A user's own graphs with prediction targets.
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
  kValues,  // one or more finite numbers
};

struct LabelledGraphs {
  std::vector<Graph> graphs;
  std::vector<std::vector<int64_t>> kinds;  // the kind of every node of every graph; empty if the data has none
  int64_t attributes = 0;                   // numbers per node, in Graph::labels [n, attributes]
  int64_t outputs = 0;                      // numbers per graph; 0: the data has no labels
  std::vector<double> targets;              // [graphs, outputs]: classes, or values
  std::optional<SplitNumbers> splits;       // if the data has them
};

// Reads a folder of one of two kinds:
//
// Graph files (data/graph/own_graphs.h). Their graphs are numbered from 0 across files. labels.csv has one label per
// line, FILE,LABEL or NUMBER,LABEL; graphs of a file with several graphs are labelled by number. There may be several
// values, NUMBER,VALUE,VALUE. A first line that names no graph is a header.
//
// A TUDataset (Morris et al., TUDataset: A collection of benchmark datasets for learning with graphs, 2020), recognised
// by its NAME_A.txt; see data/graph/tu_dataset.h.
//
// Labels are optional, but if there are any, every graph must have one. An optional splits.csv has lines FILE,SPLIT or
// NUMBER,SPLIT, where the split is train, valid or test, also for every graph. Throws Error with the file, the line
// where possible, and the fault.
LabelledGraphs ReadLabelledGraphs(const std::string& folder, GraphTarget target);

// The kinds of nodes that occur, in ascending order.
std::vector<int64_t> FindKinds(const LabelledGraphs& data);

// The classes that occur, in ascending order.
std::vector<int64_t> FindClasses(const LabelledGraphs& data);

// Encodes the nodes' kinds as `kinds.size()` one-hot attributes before the other attributes. Throws Error for a node of
// another kind.
void EncodeKinds(const std::vector<int64_t>& kinds, LabelledGraphs& data);

// Such as "188 graphs of 10 to 28 nodes, 17.9 on average; 7,442 edges, undirected; nodes of 7 kinds; classes -1 (63), 1
// (125)"
std::string Describe(const LabelledGraphs& data, GraphTarget target);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_LABELLED_GRAPHS_H_
