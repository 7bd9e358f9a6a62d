// Provably powerful graph networks (Maron et al., NeurIPS 2019).
#ifndef ORBIT_MODELS_PPGN_H_
#define ORBIT_MODELS_PPGN_H_

#include "models/tailored_graph_network.h"

namespace orbit {

// Works on pairs of nodes [batch, n, n, channels]: the adjacency matrix and, on the diagonal, the node features. A
// block is x' = m3([x, m1(x) m2(x)]), where each m is a Linear over the channels with activation, and the product is
// one of n x n matrices per channel. A graph is represented by the sum over its diagonal and the sum over the rest,
// concatenated.
class Ppgn : public TailoredGraphNetwork {
 public:
  Ppgn(const TailoredGraphOptions& options, Generator& generator);

  Variable Predict(const Features& x) const override;

 private:
  static constexpr int64_t kWidth = 56;
  struct Block : nn::Module {
    Block(int64_t in, Generator& generator);
    nn::Linear first, second, skip;
  };

  Activation activation_;
  nn::ModuleList<Block> blocks_;
  GraphHead head_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_PPGN_H_
