// Networks that are invariant to S_n by construction, with which symmetrized ones are compared.
#ifndef ORBIT_MODELS_TAILORED_GRAPH_NETWORK_H_
#define ORBIT_MODELS_TAILORED_GRAPH_NETWORK_H_

#include <memory>
#include <string>
#include <vector>

#include "groups/model.h"
#include "models/graph_head.h"

namespace orbit {

// A function of whole graphs: nodes [batch, n, channels] (order 1), edges and num_nodes -> [batch, outputs].
class TailoredGraphNetwork : public TailoredModel {
 public:
  TailoredGraphNetwork() : TailoredModel(ParseGroup("Sn"), Representation::Invariant()) {}
};

// "gcn", "gat", "gin", "chebnet", "ppgn"
const std::vector<std::string>& TailoredGraphNetworks();

struct TailoredGraphOptions {
  int64_t channels = 2;
  int64_t layers = 3;
  GraphHeadOptions head;
};

// The first four consist of layers on nodes, each followed by the activation, and the sum over the nodes:
//   gcn      x' = D^-1/2 (A + I) D^-1/2 x W + b, D the degrees of A + I (Kipf and Welling, ICLR 2017); width 120
//   gat      graph attention with 8 heads of 15 channels (Velickovic et al., ICLR 2018)
//   gin      x' = ((1 + eps) x + sum over neighbours) W + b, eps initially U[0, 1) (Xu et al., ICLR 2019); width 120
//   chebnet  x' = sum over k < 3 of T_k(2 L / l - I) x W_k + b, L the normalised Laplacian, l its largest eigenvalue
//            (Defferrard et al., NeurIPS 2016); width 70
//   ppgn     blocks on pairs of nodes with a product of n x n matrices per channel, as strong as the 3-WL test
//            (Maron et al., Provably Powerful Graph Networks, NeurIPS 2019); sums over the diagonal and the rest;
//            56 channels
// All have about 30,000 parameters, as in the comparison of Balcilar et al. (ICML 2021). Throws Error for other names.
std::unique_ptr<TailoredGraphNetwork> MakeTailoredGraphNetwork(const std::string& name,
                                                               const TailoredGraphOptions& options,
                                                               Generator& generator);

}  // namespace orbit

#endif  // ORBIT_MODELS_TAILORED_GRAPH_NETWORK_H_
