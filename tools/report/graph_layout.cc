#include "tools/report/graph_layout.h"

#include <cmath>
#include <complex>
#include <limits>

#include "engine/random.h"
#include "kernels/error.h"

namespace orbit {
namespace {

constexpr int kStarts = 16, kIterations = 300;

// Lengths of shortest paths [n, n], by Floyd and Warshall.
std::vector<double> Distances(const Graph& graph) {
  const int64_t n = graph.n;
  std::vector<double> d(n * n, std::numeric_limits<double>::infinity());
  for (int64_t i = 0; i < n; ++i) d[i * n + i] = 0;
  for (const Edge& edge : graph.edges)
    if (edge.source != edge.target) d[edge.source * n + edge.target] = d[edge.target * n + edge.source] = 1;
  for (int64_t k = 0; k < n; ++k)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) d[i * n + j] = std::min(d[i * n + j], d[i * n + k] + d[k * n + j]);
  for (const double distance : d) Check(std::isfinite(distance), "only connected graphs are drawn");
  return d;
}

double Apart(const Point& a, const Point& b) { return std::hypot(a[0] - b[0], a[1] - b[1]); }

// Sum of ((|p_i - p_j| - d_ij) / d_ij)^2 over pairs.
double Stress(const std::vector<double>& d, const std::vector<Point>& points) {
  const size_t n = points.size();
  double stress = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < i; ++j) stress += std::pow(Apart(points[i], points[j]) / d[i * n + j] - 1, 2);
  return stress;
}

// Moves each node in turn to where the others, each at its distance, pull it.
void Improve(const std::vector<double>& d, std::vector<Point>& points) {
  const size_t n = points.size();
  for (size_t i = 0; i < n; ++i) {
    Point sum = {0, 0};
    double weights = 0;
    for (size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double distance = d[i * n + j], weight = 1 / (distance * distance);
      const double scale = distance / std::max(Apart(points[i], points[j]), 1e-9);
      for (int c = 0; c < 2; ++c) sum[c] += weight * (points[j][c] + scale * (points[i][c] - points[j][c]));
      weights += weight;
    }
    for (int c = 0; c < 2; ++c) points[i][c] = sum[c] / weights;
  }
}

std::vector<Point> Turned(const Graph& graph, std::vector<Point> points) {
  std::complex<double> along;  // sum of the edges' directions modulo quarter turns
  for (const Edge& edge : graph.edges) {
    const std::complex<double> direction(points[edge.target][0] - points[edge.source][0],
                                         points[edge.target][1] - points[edge.source][1]);
    along += std::pow(direction, 4);
  }
  const std::complex<double> turn = std::polar(1.0, -std::arg(along) / 4);
  std::complex<double> centre;
  for (const Point& p : points) centre += std::complex(p[0], p[1]) / static_cast<double>(points.size());
  for (Point& p : points) {
    const std::complex<double> turned = (std::complex(p[0], p[1]) - centre) * turn;
    p = {turned.real(), turned.imag()};
  }
  return points;
}

}  // namespace

std::vector<Point> LayOut(const Graph& graph) {
  const std::vector<double> d = Distances(graph);
  if (graph.n < 2) return std::vector<Point>(graph.n, {0, 0});
  Generator generator(0);
  std::vector<Point> best;
  double least = std::numeric_limits<double>::infinity();
  for (int start = 0; start < kStarts; ++start) {
    const std::vector<double> draws = generator.Uniform({graph.n, 2}, -2, 2, DType::kF64).ToVector<double>();
    std::vector<Point> points(graph.n);
    for (int64_t i = 0; i < graph.n; ++i) points[i] = {draws[2 * i], draws[2 * i + 1]};
    for (int i = 0; i < kIterations; ++i) Improve(d, points);
    if (const double stress = Stress(d, points); stress < least) {
      least = stress;
      best = points;
    }
  }
  return Turned(graph, best);
}

}  // namespace orbit
