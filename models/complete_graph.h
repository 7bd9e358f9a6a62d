// The directed edges between all pairs of different nodes of equally large graphs.
#ifndef ORBIT_MODELS_COMPLETE_GRAPH_H_
#define ORBIT_MODELS_COMPLETE_GRAPH_H_

#include <map>
#include <tuple>

#include "engine/tensor.h"
#include "engine/variable.h"

namespace orbit {

// Nodes and pairs are numbered through the batch: node i of graph g is g n + i, pair (i, j) of it (g n + i) n + j.
struct CompleteGraph {
  CompleteGraph(int64_t graphs, int64_t n, Device device);

  Tensor receiver, sender;  // i64 [graphs * n * (n - 1)]: an edge goes from sender j to receiver i, sorted by receiver
  Tensor pair;              // i64 [edges]: the pair (receiver, sender)
};

// Keeps those it has made: a model asks for few different ones again and again, and the host makes them.
class CompleteGraphs {
 public:
  const CompleteGraph& Get(int64_t graphs, int64_t n, Device device);

 private:
  std::map<std::tuple<int64_t, int64_t, DeviceType, int>, CompleteGraph> made_;
};

// What a receiver gets from all its senders: x [graphs * n * (n - 1), channels], sorted by receiver, to
// [graphs * n, channels].
Variable SumOverSenders(const Variable& x, int64_t n);

}  // namespace orbit

#endif  // ORBIT_MODELS_COMPLETE_GRAPH_H_
