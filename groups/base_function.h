// Base functions: the functions of data under sampled group elements that are symmetrized.
#ifndef ORBIT_GROUPS_BASE_FUNCTION_H_
#define ORBIT_GROUPS_BASE_FUNCTION_H_

#include <cstdint>
#include <vector>

#include "engine/nn/module.h"
#include "engine/random.h"
#include "groups/element.h"

namespace orbit {

// A view of x under the group elements g that were sampled for it, `samples` per graph. x and the elements must outlive
// it. Besides g^-1 . x it gives access to x and g themselves, for layers that need not form g^-1 . x: the first layer
// of an MLP on permuted graphs (groups/ops/permuted_linear.h), or nodes' ranks.
class View {
 public:
  View(const Features& x, const Element& element, int64_t samples);

  int64_t batch() const { return x_.batch(); }
  int64_t samples() const { return samples_; }
  int64_t rows() const { return batch() * samples_; }  // one per sample of every graph

  // g^-1 . feature i: [rows, ...]. It is computed on first use and kept, always in the data's precision, even inside an
  // Autocast. It is not kept if the view was made under a NoGrad and this call is not, or the other way round.
  Variable Feature(size_t i) const;

  const Features& x() const { return x_; }
  const Element& element() const { return element_; }
  // Throws Error if the elements have no permutation.
  const Permutation& permutation() const;

 private:
  bool IsRecorded() const;

  const Features& x_;
  const Element& element_;
  int64_t samples_;
  bool recorded_;
  mutable std::vector<Variable> features_;
};

// f, which needs no symmetry of its own.
class BaseFunction : public nn::Module {
 public:
  // Returns [rows, ...] in the output's representation. `generator` is used only for dropout.
  virtual Variable Forward(const View& x, Generator& generator) const = 0;
};

}  // namespace orbit

#endif  // ORBIT_GROUPS_BASE_FUNCTION_H_
