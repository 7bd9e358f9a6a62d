#include "kernels/cpu/permuted_graphs.h"

#include <algorithm>
#include <vector>

namespace orbit::kernels {

bool IsSymmetric(const PermutedGraphs& graphs) {
  const int64_t n = graphs.n;
  std::vector<int32_t> count(n * n);
  for (int64_t graph = 0; graph < graphs.graphs; ++graph) {
    std::fill(count.begin(), count.end(), 0);
    const auto for_edges = [&](const auto& f) {
      for (int64_t i = 0; i < n; ++i)
        for (int32_t e = graphs.offsets[graph * n + i]; e < graphs.offsets[graph * n + i + 1]; ++e)
          f(graphs.sources[e], i);
    };
    bool symmetric = true;
    for_edges([&](int64_t source, int64_t target) { ++count[source * n + target]; });
    for_edges([&](int64_t source, int64_t target) {
      symmetric = symmetric && count[source * n + target] == count[target * n + source];
    });
    if (!symmetric) return false;
  }
  return true;
}

}  // namespace orbit::kernels
