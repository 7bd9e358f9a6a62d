// Model: the interface of everything that is trained on data with a symmetry, symmetrized (groups/symmetrizer.h) or
// equivariant by construction. Its output is equivariant jointly in data and noise, exactly,
//
//   model.Forward(Act(h, x), model.Act(h, noise)) = Act(h, model.Forward(x, noise))   for every h in model.group(),
//
// and so, the noise's law being invariant, in distribution where the noise is drawn anew.
#ifndef ORBIT_GROUPS_MODEL_H_
#define ORBIT_GROUPS_MODEL_H_

#include "engine/autocast.h"
#include "engine/nn/module.h"
#include "groups/distribution.h"

namespace orbit {

class Model : public nn::Module {
 public:
  struct Result {
    Variable output;   // [batch, ...], transformed by the group as output_representation() says
    Variable samples;  // [batch, samples, ...]: what the base function made of every sample, before its g acts on it
    Element element;   // the g of every sample; empty where nothing is sampled
    // The regulariser, summed over the batch's rows, so that a loss of parts of a batch can divide by the rows of the
    // whole (engine/training/loss.h): []. Undefined where the elements have no soft part.
    Variable entropy;
  };

  // All that is random about a forward but dropout. Throws Error for samples < 1, or, where the model has but one
  // sample, for samples > 1.
  virtual Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const = 0;
  // `generator` serves dropout alone.
  virtual Result Forward(const Features& x, const Noise& noise, Generator& generator) = 0;
  // With fresh noise.
  Result operator()(const Features& x, int64_t samples, Generator& generator) {
    return Forward(x, DrawNoise(x, samples, generator), generator);
  }

  // h . noise: every sample's, transformed by its graph's h, as groups/equivariance.h has it.
  virtual Noise Act(const Element& h, const Noise& noise) const = 0;
  virtual const Group& group() const = 0;
  virtual Representation output_representation() const = 0;
  // Whether the output depends on noise; where not, the model takes one sample, of nothing.
  virtual bool is_sampled() const = 0;

  // The precision of what is no part of the symmetry: the base function, not the elements and their action. At first it
  // is that of the Autocast scope in which the model is made.
  Precision precision() const { return precision_; }
  void set_precision(Precision precision) { precision_ = precision; }

 private:
  Precision precision_ = Autocast::current();
};

// A network that is equivariant by construction: there is nothing to sample.
class TailoredModel : public Model {
 public:
  TailoredModel(const Group& group, const Representation& output) : group_(group), output_(output) {}

  // [batch, ...] in the output's representation.
  virtual Variable Predict(const Features& x) const = 0;

  Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const override;
  Result Forward(const Features& x, const Noise& noise, Generator& generator) override;
  Noise Act(const Element&, const Noise& noise) const override { return noise; }
  const Group& group() const override { return group_; }
  Representation output_representation() const override { return output_; }
  bool is_sampled() const override { return false; }

 private:
  Group group_;
  Representation output_;
};

}  // namespace orbit

#endif  // ORBIT_GROUPS_MODEL_H_
