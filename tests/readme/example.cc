// Any function, equivariant to a group of one's choice: an MLP on 4 points in the plane, symmetric under S_4 x O(2).
#include <cstdio>

#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/loss.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/optim/adam.h"
#include "groups/symmetrizer.h"

using namespace orbit;

// q(x, eps): a score for every point and two vectors for the cloud, from the points plus normal noise. It is
// equivariant by construction: the scores depend on lengths alone, the vectors are sums of points weighted by functions
// of lengths.
struct Network : EquivariantNetwork {
  explicit Network(Generator& g) : first(1, 16, g), second(16, 3, g) {
    AddModule("first", first);
    AddModule("second", second);
  }
  Tensor DrawNoise(const Features& x, int64_t samples, Generator& g) const override {
    return g.Normal({x.batch(), samples, 4, 2, 1}, 0, 1);
  }
  Representation noise_representation() const override { return Representation::Vectors(1); }
  Proposal Forward(const Features& x, const Tensor& noise, Generator&) override {
    const Variable z = Add(Reshape(x.features[0].value, {x.batch(), 1, 4, 2, 1}), noise);
    const Variable h = second(Relu(first(Sum(Square(z), {3}))));  // [batch, samples, 4, 3]
    const Variable points = Reshape(z, {x.batch(), noise.dim(1), 4, 2});
    const Variable frame = MatMul(points, Slice(h, 3, 1, 3), /*transpose_a=*/true);
    return {Reshape(Slice(h, 3, 0, 1), {x.batch(), noise.dim(1), 4}), frame};
  }
  nn::Linear first, second;
};

int main() {
  Generator g(0);
  Network q(g);
  nn::Linear hidden(8, 64, g), out(64, 2, g);  // the base function: no symmetry of its own
  const auto f = [&](const std::vector<Variable>& x) {
    return Reshape(out(Relu(hidden(Reshape(x[0], {-1, 8})))), {-1, 2, 1});
  };
  const auto p = MakeDistribution("learned", {.group = ParseGroup("SnxO2"), .soft_sort = {.tau = 0.1}}, &q);
  Symmetrizer phi(f, *p, Representation::Vectors(0));

  std::vector<NamedVariable> parameters = q.NamedParameters();
  for (const auto& [name, v] : hidden.NamedParameters()) parameters.push_back({"hidden." + name, v});
  for (const auto& [name, v] : out.NamedParameters()) parameters.push_back({"out." + name, v});
  optim::Adam adam(parameters);
  double loss = 0;
  for (int step = 0; step < 1000; ++step) {
    const Variable points = g.Normal({64, 4, 2, 1}, 0, 1);  // [batch, points, coordinates, channels]
    const Variable target = Mean(Mul(points, Sum(Square(points), {2}, true)), {1});
    const Features x{.features = {{points, Representation::Vectors(1)}}, .num_nodes = {}, .edges = {}};
    const Variable error = MseLoss(phi(x, /*samples=*/8, g).output, target);
    loss = step == 0 ? error.value().Item() : 0.98 * loss + 0.02 * error.value().Item();
    adam.ZeroGrad();
    error.Backward();
    adam.Step(3e-3);
    if (step % 200 == 199) std::printf("step %d: mean squared error %.4f\n", step + 1, loss);
  }
  return loss < 0.3 ? 0 : 1;
}
