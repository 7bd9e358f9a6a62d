// Representations of a product group, and the action of sampled elements on them.
#ifndef ORBIT_GROUPS_ELEMENT_H_
#define ORBIT_GROUPS_ELEMENT_H_

#include <optional>
#include <vector>

#include "engine/edge_lists.h"
#include "engine/variable.h"
#include "groups/matrix_group.h"
#include "groups/ops/permutation.h"

namespace orbit {

// How a group acts on a tensor [batch, n^order, (d,) channels]: `order` node axes, for vectors an axis of d
// coordinates, and channels, on which the group does not act.
struct Representation {
  int order = 0;        // 0: S_n acts trivially; 1: features of nodes; 2: features of node pairs
  bool vector = false;  // whether the matrix group acts, on the axis before the channels
  int64_t points = 0;   // the number of leading channels on which translations act (positions, not velocities)

  static Representation Invariant() { return {}; }
  static Representation Scalars(int order) { return {order, false, 0}; }
  static Representation Vectors(int order, int64_t points = 0) { return {order, true, points}; }
};

// A tensor and how the group acts on it.
struct Feature {
  Variable value;
  Representation representation;
};

// The data to be transformed: a batch of graphs, sets or clouds.
struct Features {
  std::vector<Feature> features;
  Tensor num_nodes;  // i32 [batch]: the graph's number of nodes, the rest of n is padding; undefined without padding
  EdgeLists edges;   // of graphs, for message passing; S_n renumbers their nodes
  // [edges, c]: features of the edges, in the order of edges.sources; undefined: one channel of ones.
  Tensor edge_features;

  int64_t batch() const { return features.at(0).value.dim(0); }
};

// Folds [batch, samples, ...] to [batch * samples, ...], and back.
Variable FoldSamples(const Variable& x);
Variable UnfoldSamples(const Variable& x, int64_t samples);

// Elements of a product group, one for every graph and sample; a part that is absent is the identity.
struct Element {
  std::optional<Permutation> permutation;
  Variable matrix;                            // [batch, samples, d, d]
  Variable translation;                       // [batch, d], shared by the samples
  const MatrixGroup* matrix_group = nullptr;  // the group of `matrix`, which knows the inverse
  // [batch, samples, n]: what the permutations of an equivariant network are the order of; undefined where there are
  // none, and where gradients are recorded.
  Tensor scores;

  // g^-1 . x for every sample: x [batch, ...] -> [batch, samples, ...].
  Variable ActInverse(const Representation& representation, const Variable& x, int64_t samples) const;
  // g . y: y [batch, samples, ...] -> the same shape.
  Variable Act(const Representation& representation, const Variable& y) const;
  // The mean of Act over the samples: [batch, ...].
  Variable MeanAct(const Representation& representation, const Variable& y) const;
};

// Of every graph 0, or NaN where one of its scores is not finite: [batch]; undefined where the scores are. For those a
// network has no order of nodes, but sorting makes one. Padding counts, too.
Tensor NonFiniteScores(const Element& element);

}  // namespace orbit

#endif  // ORBIT_GROUPS_ELEMENT_H_
