// Models on whole graphs with the symmetry S_n: symmetrized base functions (Kim et al. 2023, section 3.1) and the
// tailored networks that they are compared with.
#ifndef ORBIT_MODELS_GRAPH_MODEL_H_
#define ORBIT_MODELS_GRAPH_MODEL_H_

#include <memory>
#include <string>

#include "groups/model.h"
#include "models/graph_base.h"
#include "models/graph_distribution.h"
#include "models/tailored_graph_network.h"

namespace orbit {

struct GraphModelOptions : GraphDistributionOptions {  // of a base function
  GraphModelOptions() { network.unused_input = true; }

  std::string model = "mlp";  // a base function: mlp, gin_id; or a tailored network: gcn, gat, gin, ...
  GraphBaseOptions base;      // tailored networks use its head and channels, too
};

// The features of a batch: nodes [batch, n, channels] (order 1), edges and num_nodes.
Features MakeGraphFeatures(const Tensor& nodes, const EdgeLists& edges, const Tensor& num_nodes);

bool IsTailored(const std::string& model);

// The output is [batch, n^order, channels], where order is the output_order of the base function; tailored networks
// have invariant outputs. Throws Error for unknown names and invalid options.
std::unique_ptr<Model> MakeGraphModel(const GraphModelOptions& options, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_MODEL_H_
