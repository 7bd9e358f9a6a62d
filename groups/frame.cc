#include "groups/frame.h"

#include <algorithm>
#include <cmath>
#include <eigen3/Eigen/Dense>
#include <map>
#include <vector>

#include "kernels/parallel.h"

namespace orbit {
namespace {

constexpr float kSameEigenvalue = 1e-3f;  // relative to the largest
constexpr float kDecimals = 100;

using Key = std::vector<int>;

std::vector<Key> KeysOf(const Eigen::MatrixXf& laplacian) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(laplacian);
  Check(solver.info() == Eigen::Success, "the eigenvalues of a graph of ", laplacian.rows(),
        " nodes could not be found");
  const auto& values = solver.eigenvalues();
  const Eigen::Index n = laplacian.rows();
  const float gap = kSameEigenvalue * std::max(1.0f, values[n - 1]);
  std::vector<Key> keys(n);
  for (Eigen::Index begin = 0; begin < n;) {
    Eigen::Index end = begin + 1;
    while (end < n && values[end] - values[end - 1] <= gap) ++end;
    for (Eigen::Index i = 0; i < n; ++i) {
      const float length = solver.eigenvectors().row(i).segment(begin, end - begin).norm();
      keys[i].push_back(static_cast<int>(std::lround(kDecimals * length)));
    }
    begin = end;
  }
  return keys;
}

}  // namespace

Tensor SpectralClasses(const EdgeLists& edges, const Tensor& num_nodes) {
  const std::vector<int32_t> offsets = edges.offsets.ToVector<int32_t>(), sources = edges.sources.ToVector<int32_t>(),
                             sizes = num_nodes.ToVector<int32_t>();
  std::vector<int32_t> classes(edges.graphs * edges.n, 0);
  kernels::ParallelFor(edges.graphs, 1, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const int64_t size = sizes[g];
      if (size == 0) continue;
      Eigen::MatrixXf laplacian = Eigen::MatrixXf::Zero(size, size);
      for (int64_t i = 0; i < size; ++i)
        for (int32_t e = offsets[g * edges.n + i]; e < offsets[g * edges.n + i + 1]; ++e)
          if (sources[e] != i) laplacian(i, sources[e]) = laplacian(sources[e], i) = -1;
      for (int64_t i = 0; i < size; ++i) laplacian(i, i) = -laplacian.row(i).sum();
      const std::vector<Key> keys = KeysOf(laplacian);
      std::map<Key, int32_t> places;
      for (const Key& key : keys) places[key] = 0;
      int32_t place = 0;
      for (auto& [key, number] : places) number = place++;
      for (int64_t i = 0; i < size; ++i) classes[g * edges.n + i] = places[keys[i]];
    }
  });
  return Tensor::From(classes, {edges.graphs, edges.n}).To(num_nodes.device());
}

}  // namespace orbit
