// Models of whole graphs, invariant to S_n: symmetrized base functions (Kim et al. 2023, section 3.1), whose output is
// the mean over permutations drawn for every graph, and the tailored networks that they are compared with.
#ifndef ORBIT_MODELS_GRAPH_MODEL_H_
#define ORBIT_MODELS_GRAPH_MODEL_H_

#include <memory>
#include <string>

#include "groups/distribution.h"
#include "models/gin.h"
#include "models/graph_base.h"
#include "models/tailored_graph_network.h"

namespace orbit {

struct GraphModelOptions {
  std::string model = "mlp";             // a base function: mlp, gin_id; or a tailored network: gcn, gat, gin, ...
  std::string distribution = "learned";  // of a base function: learned, haar, frame, minimal_frame or canonical
  GraphBaseOptions base;                 // its head and channels serve tailored networks too
  GinOptions network{.unused_input = true};
  double noise_scale = 1;
  SoftSortOptions soft_sort{.tau = 0.01};
  double score_jitter = 1e-6;
};

// Features of a batch: nodes [batch, n, channels] (order 1), edges, num_nodes.
Features MakeGraphFeatures(const Tensor& nodes, const EdgeLists& edges, const Tensor& num_nodes);

class GraphModel : public nn::Module {
 public:
  struct Result {
    Variable output;   // [batch, outputs]
    Variable samples;  // [batch, samples, outputs], whose mean it is
    Variable entropy;  // the regulariser, a scalar; undefined where the permutation has no soft part
    Element element;   // empty for tailored networks
  };

  // Tailored networks take one sample, of nothing.
  virtual Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const = 0;
  // `generator` serves dropout alone.
  virtual Result Forward(const Features& x, const Noise& noise, Generator& generator) = 0;
  // How S_n acts on Noise::network.
  virtual Representation noise_representation() const = 0;
};

bool IsTailored(const std::string& model);

// Throws Error for names that are not known and for options that make no sense.
std::unique_ptr<GraphModel> MakeGraphModel(const GraphModelOptions& options, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_MODEL_H_
