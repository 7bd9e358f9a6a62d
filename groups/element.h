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

// How a group acts on a tensor [batch, n^order, (d,) channels]: `order` node axes, then an axis of d coordinates for
// vectors, then the channels, which nothing mixes.
struct Representation {
  int order = 0;        // 0: S_n leaves it alone; 1: features of nodes; 2: features of pairs of nodes
  bool vector = false;  // whether the matrix group acts, on the axis before the channels
  int64_t points = 0;   // the first channels that translations move too (positions, not velocities)

  static Representation Invariant() { return {}; }
  static Representation Scalars(int order) { return {order, false, 0}; }
  static Representation Vectors(int order, int64_t points = 0) { return {order, true, points}; }
};

// A tensor and how the group acts on it.
struct Feature {
  Variable value;
  Representation representation;
};

// What is to be transformed: a batch of graphs, sets or clouds.
struct Features {
  std::vector<Feature> features;
  Tensor num_nodes;  // i32 [batch]: nodes of every graph, the rest of n being padding; undefined where there is none
  EdgeLists edges;   // of graphs, for networks that pass messages; S_n acts by renumbering nodes

  int64_t batch() const { return features.at(0).value.dim(0); }
};

// [batch, samples, ...] <-> [batch * samples, ...].
Variable FoldSamples(const Variable& x);
Variable UnfoldSamples(const Variable& x, int64_t samples);

// Elements of a product group, one for every graph and sample; a part that is absent is the identity.
struct Element {
  std::optional<Permutation> permutation;
  Variable matrix;       // [batch, samples, d, d]
  Variable translation;  // [batch, d], shared by the samples
  const MatrixGroup* matrix_group = nullptr;  // that of the matrix, which knows its inverse

  // g^-1 . x for every sample: x [batch, ...] -> [batch, samples, ...].
  Variable ActInverse(const Representation& representation, const Variable& x, int64_t samples) const;
  // g . y: y [batch, samples, ...] -> the same shape.
  Variable Act(const Representation& representation, const Variable& y) const;
  // The mean of that over the samples: [batch, ...].
  Variable MeanAct(const Representation& representation, const Variable& y) const;
};

}  // namespace orbit

#endif  // ORBIT_GROUPS_ELEMENT_H_
