// The first layer of a vision transformer on permuted graphs, without forming their images.
#ifndef ORBIT_GROUPS_OPS_PATCH_TOKENS_H_
#define ORBIT_GROUPS_OPS_PATCH_TOKENS_H_

#include "engine/ops/pad.h"
#include "groups/ops/graph_image.h"
#include "groups/ops/permutation.h"

namespace orbit {

// How an axis of n ranks is cut into `grid` patches of `patch` positions. These are padded where they are more than n:
// half of it before the first rank where `centered`, else all of it at the end.
struct PatchGrid {
  int64_t n, patch, grid;
  PadMode padding = PadMode::kZero;
  bool centered = false;

  int64_t before() const { return centered ? (patch * grid - n) / 2 : 0; }
  int64_t after() const { return patch * grid - n - before(); }
};

// The convolution, with stride = kernel = patch, of P^T X P, padded, for every graph and sample: [batch, samples, grid
// grid, width], the tokens row by row. weight [width, channels, patch, patch], as of PyTorch's Conv2d, and bias
// [width]; features are constants. A hard permutation has a straight-through gradient to its soft part, in which only a
// graph's own nodes and ranks take part. For a soft permutation images are formed. f32, f64.
Variable PatchTokens(const Permutation& permutation, const GraphImage& graphs, const Variable& weight,
                     const Variable& bias, const PatchGrid& grid);

}  // namespace orbit

#endif  // ORBIT_GROUPS_OPS_PATCH_TOKENS_H_
