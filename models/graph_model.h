// Symmetrized models of whole graphs, invariant to S_n (Kim et al. 2023, section 3.1): an embedding for every graph,
// the mean of a base function over permutations drawn for it.
#ifndef ORBIT_MODELS_GRAPH_MODEL_H_
#define ORBIT_MODELS_GRAPH_MODEL_H_

#include <memory>
#include <string>
#include <vector>

#include "groups/distribution.h"
#include "models/gin.h"

namespace orbit {

enum class Activation : uint8_t { kRelu, kTanh };

Variable Activate(Activation activation, const Variable& x);

struct GraphModelOptions {
  int64_t n = 64;  // nodes, padding included
  int64_t channels = 2;
  std::string base = "mlp";                          // or gin_id
  std::string distribution = "learned";              // learned, haar, frame or canonical
  bool node_features = true;                         // whether the MLP sees them beside the adjacency
  std::vector<int64_t> widths = {2048, 4096, 2048};  // of the MLP's layers before the embedding
  int64_t hidden = 64;                               // of GIN-ID's layers
  int64_t embedding = 10;
  int64_t outputs = 1;  // of a last layer on the embedding; 0: the embedding is the output
  Activation activation = Activation::kRelu;
  bool activate_embedding = true;
  GinOptions network{.unused_input = true};
  double noise_scale = 1;
  SoftSortOptions soft_sort{.tau = 0.01};
  double score_jitter = 1e-6;
};

// A function of a graph under each of its permutations: -> [batch, samples, outputs].
class GraphBase : public nn::Module {
 public:
  virtual Variable operator()(const Features& x, const Permutation& permutation) const = 0;
};

// Features of a batch: nodes [batch, n, channels] (order 1), edges, num_nodes.
Features MakeGraphFeatures(const Tensor& nodes, const EdgeLists& edges, const Tensor& num_nodes);

class GraphModel : public nn::Module {
 public:
  GraphModel(const GraphModelOptions& options, Generator& generator);

  struct Result {
    Variable output;   // [batch, outputs]
    Variable samples;  // [batch, samples, outputs], whose mean it is
    Variable entropy;  // the regulariser, a scalar; undefined where the permutation has no soft part
    Element element;
  };

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator, int64_t first = 0) const;
  // `generator` serves dropout alone.
  Result Forward(const Features& x, const Noise& noise, Generator& generator);

  GraphNetwork& network() { return network_; }

 private:
  std::unique_ptr<GraphBase> base_;
  GraphNetwork network_;
  std::unique_ptr<Distribution> distribution_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_MODEL_H_
