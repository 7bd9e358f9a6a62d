// A user's own graphs, each of a class or with values to be predicted: from a folder of graph files with labels.csv, or
// a TUDataset (data/graph/labelled_graphs.h).
#ifndef ORBIT_TOOLS_EXPERIMENTS_GRAPHS_H_
#define ORBIT_TOOLS_EXPERIMENTS_GRAPHS_H_

#include "tools/experiments/experiment.h"

namespace orbit {

ExperimentKind GraphsKind();  // "graphs"

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_GRAPHS_H_
