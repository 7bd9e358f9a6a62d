// Model: the interface of everything that is trained on data with a symmetry, whether symmetrized
// (groups/symmetrizer.h) or equivariant by construction. Its output is exactly equivariant, jointly in data and noise,
//
//   model.Forward(Act(h, x), model.Act(h, noise)) = Act(h, model.Forward(x, noise))   for every h in model.group(),
//
// and so, because the law of the noise is invariant, equivariant in distribution with fresh noise.
#ifndef ORBIT_GROUPS_MODEL_H_
#define ORBIT_GROUPS_MODEL_H_

#include "engine/autocast.h"
#include "engine/nn/module.h"
#include "groups/distribution.h"

namespace orbit {

class Model : public nn::Module {
 public:
  struct Result {
    Variable output;   // [batch, ...] in output_representation()
    Variable samples;  // [batch, samples, ...]: the base function's output for each sample, before g acts on it
    Element element;   // the g of every sample; empty if nothing is sampled
    // The regulariser [], summed over the batch's rows, so that for a part of a batch the loss can divide it by the
    // number of rows of the whole (engine/training/loss.h). Undefined if the elements have no soft part.
    Variable entropy;
  };

  // Draws all random numbers of Forward except dropout. Throws Error for samples < 1 and, if the model has only one
  // sample, for samples > 1.
  virtual Noise DrawNoise(const Features& x, int64_t samples, Generator& generator) const = 0;
  // `generator` is used only for dropout.
  virtual Result Forward(const Features& x, const Noise& noise, Generator& generator) = 0;
  // Forward with fresh noise.
  Result operator()(const Features& x, int64_t samples, Generator& generator) {
    return Forward(x, DrawNoise(x, samples, generator), generator);
  }

  // h . noise: the noise of every sample, transformed by the h of its graph; see groups/equivariance.h.
  virtual Noise Act(const Element& h, const Noise& noise) const = 0;
  virtual const Group& group() const = 0;
  virtual Representation output_representation() const = 0;
  // Whether the output depends on noise. If not, the model takes one sample without noise.
  virtual bool is_sampled() const = 0;

  // The precision of what is no part of the symmetry: the base function, not the elements and their action. At first it
  // is that of the Autocast scope in which the model is made.
  Precision precision() const { return precision_; }
  void set_precision(Precision precision) { precision_ = precision; }

 private:
  Precision precision_ = Autocast::current();
};

// A network that is equivariant by construction, so that nothing is sampled.
class TailoredModel : public Model {
 public:
  TailoredModel(const Group& group, const Representation& output) : group_(group), output_(output) {}

  // Returns the output [batch, ...] in the output's representation.
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
