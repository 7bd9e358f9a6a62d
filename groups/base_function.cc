#include "groups/base_function.h"

#include "engine/autocast.h"
#include "engine/ops/shape.h"

namespace orbit {

View::View(const Features& x, const Element& element, int64_t samples)
    : x_(x), element_(element), samples_(samples), recorded_(IsRecorded()), features_(x.features.size()) {}

bool View::IsRecorded() const {
  std::vector<Variable> inputs = {element_.matrix, element_.translation};
  if (element_.permutation) inputs.push_back(element_.permutation->soft);
  for (const orbit::Feature& feature : x_.features) inputs.push_back(feature.value);
  return GradientsWanted(inputs);
}

Variable View::Feature(size_t i) const {
  Check(i < features_.size(), "feature ", i, " of ", features_.size());
  if (features_[i].defined()) return features_[i];
  const Autocast scope(Precision::kF32);
  const orbit::Feature& feature = x_.features[i];
  const Variable y = FoldSamples(element_.ActInverse(feature.representation, feature.value, samples_));
  if (IsRecorded() == recorded_) features_[i] = y;
  return y;
}

const Permutation& View::permutation() const {
  Check(element_.permutation.has_value(), "a function of permuted graphs is given elements without permutations");
  return *element_.permutation;
}

}  // namespace orbit
