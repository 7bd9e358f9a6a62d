// Base functions on whole graphs, without any symmetry of their own (Kim et al. 2023, section 3.1).
#ifndef ORBIT_MODELS_GRAPH_BASE_H_
#define ORBIT_MODELS_GRAPH_BASE_H_

#include <memory>
#include <string>
#include <vector>

#include "groups/base_function.h"
#include "models/graph_head.h"

namespace orbit {

struct GraphBaseOptions {
  int64_t n = 64;  // nodes, including padding
  int64_t channels = 2;
  bool node_features = true;  // whether the MLP's input has node features besides the adjacency matrix
  std::vector<int64_t> widths = {2048, 4096, 2048};  // of the MLP's layers before the embedding
  int64_t hidden = 64;                               // of GIN-ID's layers
  GraphHeadOptions head;
  // the head's outputs are per graph (0), node (1) or pair of nodes (2); nodes are ordered by rank
  int output_order = 0;
};

// Makes a function of a graph under each of its permutations. Its output is [rows, n^order, channels]; the head
// computes n^order * channels numbers. "mlp" takes the flattened permuted node features and adjacency matrix. "gin_id"
// is a GIN whose nodes have their rank as a one-hot identifier besides their features. Throws Error for other names,
// and if the head's outputs are not a multiple of n^order.
std::unique_ptr<BaseFunction> MakeGraphBase(const std::string& name, const GraphBaseOptions& options,
                                            Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_BASE_H_
