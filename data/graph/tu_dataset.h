// The text format of the TUDataset collection (Morris et al., 2020; chrsmrrs.github.io/datasets).
#ifndef ORBIT_DATA_GRAPH_TU_DATASET_H_
#define ORBIT_DATA_GRAPH_TU_DATASET_H_

#include <string>

#include "data/graph/labelled_graphs.h"

namespace orbit {

// `prefix` is FOLDER/NAME. Nodes and graphs are numbered from 1. Each line belongs to one edge, node or graph:
//
//   NAME_A.txt                  i, j: an edge; undirected edges appear in both directions
//   NAME_graph_indicator.txt    the graph of every node
//   NAME_graph_labels.txt       the class of every graph        (GraphTarget::kClass)
//   NAME_graph_attributes.txt   the values of every graph       (GraphTarget::kValues)
//   NAME_node_labels.txt        the kind of every node
//   NAME_node_attributes.txt    numbers of every node
//
// All but the first two are optional. Repeated edges are merged; attributes of edges are ignored. Throws Error with the
// file and line for an index out of range, an edge between two graphs, an invalid or superfluous value, or an empty
// line, and with the file if lines are missing.
LabelledGraphs ReadTuDataset(const std::string& prefix, GraphTarget target);

}  // namespace orbit

#endif  // ORBIT_DATA_GRAPH_TU_DATASET_H_
