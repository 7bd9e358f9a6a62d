// What is symmetrized: a function of data under sampled group elements.
#ifndef ORBIT_GROUPS_BASE_FUNCTION_H_
#define ORBIT_GROUPS_BASE_FUNCTION_H_

#include <cstdint>
#include <vector>

#include "engine/nn/module.h"
#include "engine/random.h"
#include "groups/element.h"

namespace orbit {

// x under the elements g that were sampled for it, `samples` a graph, which both outlive the view. It shows g^-1 . x,
// and what that is made of, for layers that need not form it: the first layer of an MLP on permuted graphs
// (groups/ops/permuted_linear.h), the ranks of nodes.
class View {
 public:
  View(const Features& x, const Element& element, int64_t samples);

  int64_t batch() const { return x_.batch(); }
  int64_t samples() const { return samples_; }
  int64_t rows() const { return batch() * samples_; }  // one for every sample of every graph

  // g^-1 . feature i: [rows, ...]. It is made when it is first asked for and kept, in the data's precision whatever
  // Autocast is around; under a NoGrad that the view was not made under it is not kept.
  Variable Feature(size_t i) const;

  const Features& x() const { return x_; }
  const Element& element() const { return element_; }
  // Throws Error where nothing permutes.
  const Permutation& permutation() const;

 private:
  bool IsRecorded() const;

  const Features& x_;
  const Element& element_;
  int64_t samples_;
  bool recorded_;
  mutable std::vector<Variable> features_;
};

// f: needs no symmetry of its own.
class BaseFunction : public nn::Module {
 public:
  // [rows, ...], in the representation of the output. `generator` serves dropout alone.
  virtual Variable Forward(const View& x, Generator& generator) const = 0;
};

}  // namespace orbit

#endif  // ORBIT_GROUPS_BASE_FUNCTION_H_
