#include "kernels/nearest_neighbours.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/parallel.h"

namespace orbit::kernels {

template <class Device, class T>
void NearestNeighbours(Device, int64_t graphs, int64_t n, int64_t d, int64_t k, const T* x, int32_t* index) {
  const int64_t grain = std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, n * n * d));
  ParallelFor(graphs, grain, [&](int64_t begin, int64_t end) {
    std::vector<T> distance(n * n);
    std::vector<int32_t> order(n);
    for (int64_t g = begin; g < end; ++g) {
      const T* graph = x + g * n * d;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < i; ++j) {
          T sum = 0;
          for (int64_t c = 0; c < d; ++c) {
            const T difference = graph[i * d + c] - graph[j * d + c];
            sum += difference * difference;
          }
          distance[i * n + j] = distance[j * n + i] = sum;
        }
      for (int64_t i = 0; i < n; ++i) {
        distance[i * n + i] = T(-1);  // every point is its own nearest neighbour
        std::iota(order.begin(), order.end(), 0);
        const T* row = distance.data() + i * n;
        std::partial_sort(order.begin(), order.begin() + k, order.end(),
                          [row](int32_t a, int32_t b) { return row[a] < row[b] || (row[a] == row[b] && a < b); });
        std::copy_n(order.begin(), k, index + (g * n + i) * k);
      }
    }
  });
}

template void NearestNeighbours(Cpu, int64_t, int64_t, int64_t, int64_t, const float*, int32_t*);
template void NearestNeighbours(Cpu, int64_t, int64_t, int64_t, int64_t, const double*, int32_t*);

}  // namespace orbit::kernels
