// What is a graph's class, or value? What EXP-classify and a user's own graphs have in common.
#ifndef ORBIT_TOOLS_EXPERIMENTS_GRAPH_EXPERIMENT_H_
#define ORBIT_TOOLS_EXPERIMENTS_GRAPH_EXPERIMENT_H_

#include <memory>
#include <string>
#include <vector>

#include "data/graph/graphs.h"
#include "tools/experiments/experiment.h"

namespace orbit {

// The keys model.* of models of graphs (models/graph_model.h).
void AddGraphModelKeys(ConfigSchema& schema);

// How predictions [count, outputs] are compared with targets [count, outputs], or [count, 1] of classes.
enum class GraphLoss {
  kBinary,   // logits of 0 or 1: binary cross entropy; "accuracy", in percent
  kClasses,  // logits of the classes 0, 1, ... outputs - 1: cross entropy; "accuracy", in percent
  kValues,   // squared distance; "mae", the mean absolute error
};

struct GraphData {
  std::vector<Graph> graphs;
  int64_t n;                   // nodes that graphs are padded to
  int64_t channels;            // labels of a node
  std::vector<float> targets;  // of all graphs; empty where they are not known
  int64_t outputs;
  GraphLoss loss;
  SplitNumbers splits;
  std::string description;  // of the graphs
  std::string predictions;  // what the outputs are
};

// With the model that the config describes.
std::unique_ptr<Experiment> MakeGraphExperiment(const Config& config, Device device, GraphData data,
                                                Generator& generator);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_GRAPH_EXPERIMENT_H_
