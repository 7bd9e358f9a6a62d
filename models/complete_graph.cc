#include "models/complete_graph.h"

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "engine/ops/shape.h"

namespace orbit {

EdgeLists CompleteGraph(int64_t n, Device device) {
  using Key = std::tuple<int64_t, DeviceType, int>;
  static std::mutex mutex;
  static auto& made = *new std::map<Key, EdgeLists>;
  const std::lock_guard lock(mutex);
  EdgeLists& graph = made[{n, device.type, device.index}];
  if (graph.graphs > 0) return graph;
  std::vector<Edge> edges;
  for (int32_t receiver = 0; receiver < n; ++receiver)
    for (int32_t sender = 0; sender < n; ++sender)
      if (sender != receiver) edges.push_back({sender, receiver});
  return graph = MakeEdgeLists(n, {edges}).To(device);
}

Variable OffDiagonal(const Variable& pairs) {
  const int64_t graphs = pairs.dim(0), n = pairs.dim(1), channels = pairs.dim(3);
  // Without the first pair, every n off-diagonal pairs are followed by a diagonal one.
  const Variable rest = Slice(Reshape(pairs, {graphs, n * n, channels}), 1, 1, n * n);
  return Reshape(Slice(Reshape(rest, {graphs, n - 1, n + 1, channels}), 2, 0, n), {graphs * n * (n - 1), channels});
}

}  // namespace orbit
