// Embedder: what one random initialisation of a model makes of graphs.
#ifndef ORBIT_TOOLS_SEPARATION_EMBEDDER_H_
#define ORBIT_TOOLS_SEPARATION_EMBEDDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "data/graph/graphs.h"
#include "models/graph_model.h"

namespace orbit {

class Embedder {
 public:
  // The weights are drawn in f32; it is computed with them in `dtype`.
  Embedder(const GraphModelOptions& options, int64_t seed, DType dtype, Device device);

  // Calls visit(i, embedding) for each graph numbers[i], `samples` times: for every group element that is drawn for it.
  // `draw` numbers draws, each with random numbers of its own. Throws Error for an embedding that is not finite,
  // and for scores of an equivariant network that are not.
  using Visit = std::function<void(int64_t i, const double* embedding)>;
  void Embed(const std::vector<Graph>& graphs, const std::vector<int64_t>& numbers, int64_t samples, int64_t draw,
             const Visit& visit);

 private:
  std::unique_ptr<Model> model_;
  GraphModelOptions options_;
  DType dtype_;
  Device device_;
  Generator generator_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_SEPARATION_EMBEDDER_H_
