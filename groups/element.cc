#include "groups/element.h"

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/mean_action.h"
#include "groups/ops/rotation.h"

namespace orbit {
namespace {

// Moves the points among the channels of x [batch, (samples,) n, d, channels] by sign * translation.
Variable Translate(const Variable& x, const Representation& representation, const Variable& translation, double sign) {
  const int64_t channels = x.dim(-1);
  Shape shape(x.rank(), 1);
  shape[0] = translation.dim(0);
  shape[x.rank() - 2] = translation.dim(1);
  const Variable shift = Reshape(Scale(translation, sign), shape);
  if (representation.points == channels) return Add(x, shift);
  return Concat({Add(Slice(x, -1, 0, representation.points), shift), Slice(x, -1, representation.points, channels)},
                -1);
}

// Reshapes x [lead, n^order, (d,) channels] to [lead, n^order, d * channels], on which permutations act.
Variable FlattenVectors(const Representation& representation, const Variable& x) {
  if (!representation.vector) return x;
  Shape shape = x.shape();
  shape[shape.size() - 2] *= shape.back();
  shape.pop_back();
  return Reshape(x, shape);
}

// Reshapes x [lead, n^order, d, channels] to [lead, points, d, channels], on which matrices act.
Variable FlattenNodes(const Variable& x, int64_t lead) {
  Shape shape(x.shape().begin(), x.shape().begin() + lead);
  shape.insert(shape.end(), {-1, x.dim(-2), x.dim(-1)});
  if (x.size() == 0) shape[lead] = 0;
  return Reshape(x, shape);
}

}  // namespace

Variable FoldSamples(const Variable& x) {
  Shape shape = x.shape();
  shape[1] *= shape[0];
  shape.erase(shape.begin());
  return Reshape(x, shape);
}

Variable UnfoldSamples(const Variable& x, int64_t samples) {
  Shape shape = x.shape();
  shape[0] /= samples;
  shape.insert(shape.begin() + 1, samples);
  return Reshape(x, shape);
}

Variable Element::ActInverse(const Representation& representation, const Variable& x, int64_t samples) const {
  Variable y = x;
  if (translation.defined() && representation.points > 0) y = Translate(y, representation, translation, -1);
  Shape shape = x.shape();
  shape.insert(shape.begin() + 1, samples);
  bool expanded = false;
  if (permutation && representation.order > 0) {
    y = orbit::ActInverse(*permutation, representation.order, FlattenVectors(representation, y));
    expanded = true;
  }
  if (matrix.defined() && representation.vector) {
    Check(matrix_group != nullptr, "the element has a matrix of no group: it has no inverse");
    y = matrix_group->ActInverse(matrix, expanded ? FlattenNodes(Reshape(y, shape), 2) : FlattenNodes(y, 1));
    expanded = true;
  }
  if (!expanded) {
    Shape one = shape;
    one[1] = 1;
    y = BroadcastTo(Reshape(y, one), shape);
  }
  return Reshape(y, shape);
}

Variable Element::Act(const Representation& representation, const Variable& y) const {
  Variable x = y;
  if (permutation && representation.order > 0)
    x = orbit::Act(*permutation, representation.order, FlattenVectors(representation, x));
  if (matrix.defined() && representation.vector) x = Rotate(matrix, FlattenNodes(Reshape(x, y.shape()), 2));
  x = Reshape(x, y.shape());
  if (translation.defined() && representation.points > 0) x = Translate(x, representation, translation, 1);
  return x;
}

Variable Element::MeanAct(const Representation& representation, const Variable& y) const {
  const bool permutes = permutation && representation.order > 0, rotates = matrix.defined() && representation.vector;
  const bool in_one_pass = permutes ? representation.order == 1 && permutation->hard : rotates;
  if (!in_one_pass) return Mean(Act(representation, y), {1});
  Shape shape = y.shape();
  const Variable x = representation.vector
                         ? FlattenNodes(y, 2)
                         : Reshape(y, {shape[0], shape[1], shape[2], 1, shape[3]});  // [batch, samples, n, d, channels]
  shape.erase(shape.begin() + 1);
  const Variable mean =
      Reshape(MeanAction(permutes ? &*permutation : nullptr, rotates ? matrix : Variable(), x), shape);
  if (!translation.defined() || representation.points == 0) return mean;
  return Translate(mean, representation, translation, 1);
}

Tensor NonFiniteScores(const Element& element) {
  if (!element.scores.defined()) return {};
  // What is not finite, minus itself, is NaN, and so is a sum that has it.
  return Sum(Sub(element.scores, element.scores), {1, 2}).value();
}

}  // namespace orbit
