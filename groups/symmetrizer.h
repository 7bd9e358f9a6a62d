// Probabilistic symmetrization: any function made equivariant to a group by averaging over sampled group elements,
//
//   phi(x) = E_{g ~ p(g|x)} [ g . f(g^-1 . x) ],   estimated by the mean over g_1 .. g_k.
//
// phi is equivariant in expectation when p is, whatever f; and exactly, jointly in data and noise.
// Kim, Nguyen, Suleymanzade, An, Hong: Learning Probabilistic Symmetrization for Architecture Agnostic Equivariance,
// NeurIPS 2023, equations 2 to 6.
#ifndef ORBIT_GROUPS_SYMMETRIZER_H_
#define ORBIT_GROUPS_SYMMETRIZER_H_

#include <functional>
#include <vector>

#include "groups/distribution.h"

namespace orbit {

// f: the transformed features, each [rows, ...] with rows = batch * samples, to [rows, ...] in the output's
// representation. It needs no symmetry of its own.
using BaseFunction = std::function<Variable(const std::vector<Variable>&)>;

class Symmetrizer {
 public:
  Symmetrizer(BaseFunction base, Distribution& distribution, Representation output)
      : base_(std::move(base)), distribution_(distribution), output_(output) {}

  struct Result {
    Variable output;  // [batch, ...]
    Element element;  // what was sampled, for regularisers and inspection
  };

  // k samples with fresh noise; throws Error for samples < 1.
  Result operator()(const Features& x, int64_t samples, Generator& generator);
  // The same for given noise; `generator` serves dropout alone.
  Result operator()(const Features& x, const Noise& noise, Generator& generator);

 private:
  BaseFunction base_;
  Distribution& distribution_;
  Representation output_;
};

}  // namespace orbit

#endif  // ORBIT_GROUPS_SYMMETRIZER_H_
