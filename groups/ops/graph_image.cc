#include "groups/ops/graph_image.h"

#include <vector>

#include "engine/ops/diagonal.h"
#include "engine/ops/indexing.h"
#include "engine/ops/shape.h"

namespace orbit {

Tensor DenseImage(const GraphImage& graphs, DType dtype) {
  const EdgeLists& edges = graphs.edges;
  const int64_t n = edges.n, batch = edges.graphs;
  const std::vector<int32_t> offsets = edges.offsets.ToVector<int32_t>(), sources = edges.sources.ToVector<int32_t>();
  std::vector<int64_t> pixels;
  for (int64_t node = 0; node < batch * n; ++node)
    for (int32_t e = offsets[node]; e < offsets[node + 1]; ++e)
      pixels.push_back((node / n * n + sources[e]) * n + node % n);
  const Device device = edges.offsets.device();
  const Tensor features = graphs.edge_features.defined() ? graphs.edge_features.To(dtype)
                                                         : Tensor::Full({edges.edges(), 1}, 1, dtype, device);
  const Tensor index = Tensor::From(pixels, {edges.edges()}).To(device);
  const Tensor image = IndexAdd(features, index, batch * n * n).value().Reshape({batch, n, n, features.dim(1)});
  if (!graphs.node_features.defined()) return image;
  return Concat({image, DiagonalEmbed(graphs.node_features.To(dtype))}, -1).value();
}

}  // namespace orbit
