#include "models/complete_graph.h"

#include <vector>

#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {

CompleteGraph::CompleteGraph(int64_t graphs, int64_t n, Device device) {
  std::vector<int64_t> receivers, senders, pairs;
  const int64_t edges = graphs * n * (n - 1);
  receivers.reserve(edges);
  senders.reserve(edges);
  pairs.reserve(edges);
  for (int64_t i = 0; i < graphs * n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      if (j == i % n) continue;
      receivers.push_back(i);
      senders.push_back(i / n * n + j);
      pairs.push_back(i * n + j);
    }
  receiver = Tensor::From(receivers, {edges}, device);
  sender = Tensor::From(senders, {edges}, device);
  pair = Tensor::From(pairs, {edges}, device);
}

const CompleteGraph& CompleteGraphs::Get(int64_t graphs, int64_t n, Device device) {
  const auto key = std::tuple(graphs, n, device.type, device.index);
  const auto found = made_.find(key);
  return found != made_.end() ? found->second : made_.emplace(key, CompleteGraph(graphs, n, device)).first->second;
}

Variable SumOverSenders(const Variable& x, int64_t n) {
  const int64_t channels = x.dim(1);
  return Sum(Reshape(x, {x.dim(0) / (n - 1), n - 1, channels}), {1});
}

}  // namespace orbit
