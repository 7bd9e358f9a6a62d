// Probabilistic symmetrization makes any function equivariant to a group by averaging over sampled group elements,
//
//   phi(x) = E_{g ~ p(g|x)} [ g . f(g^-1 . x) ],   estimated by the mean over g_1 .. g_k.
//
// If p is equivariant, so is phi, for any f: in expectation, and exactly if data and noise are transformed jointly.
// Kim, Nguyen, Suleymanzade, An, Hong: Learning Probabilistic Symmetrization for Architecture Agnostic Equivariance,
// NeurIPS 2023, equations 2 to 6.
#ifndef ORBIT_GROUPS_SYMMETRIZER_H_
#define ORBIT_GROUPS_SYMMETRIZER_H_

#include <memory>
#include <string>

#include "groups/base_function.h"
#include "groups/distribution.h"
#include "groups/model.h"

namespace orbit {

struct SymmetrizerOptions {
  // Whether phi is the diagonal of the mean of g . f, features of pairs [batch, n, n, channels]: features of nodes
  // [batch, n, channels]. Result::samples are f's diagonals.
  bool diagonal = false;
  // What f and p's network are registered as; an empty name registers their parts as the symmetrizer's own.
  std::string base_name = "backbone", network_name = "interface";
};

class Symmetrizer : public Model {
 public:
  // Takes f, p(g|x) and how the group acts on f's output. Throws Error for the diagonal of what has not two node axes.
  Symmetrizer(std::unique_ptr<BaseFunction> base, std::unique_ptr<Distribution> distribution,
              const Representation& output, const SymmetrizerOptions& options = {});

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const override;
  Result Forward(const Features& x, const Noise& noise, Generator& generator) override;
  Noise Act(const Element& h, const Noise& noise) const override;
  const Group& group() const override { return distribution_->group(); }
  Representation output_representation() const override { return diagonal_ ? Representation::Scalars(1) : output_; }
  bool is_sampled() const override { return true; }

 private:
  std::unique_ptr<BaseFunction> base_;
  std::unique_ptr<Distribution> distribution_;
  Representation output_;
  bool diagonal_;
};

}  // namespace orbit

#endif  // ORBIT_GROUPS_SYMMETRIZER_H_
