// Any function, equivariant to a group of one's choice: an MLP on 4 points in the plane, symmetric under S_4 x O(2).
#include <cstdio>

#include "engine/nn/nn.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"
#include "groups/symmetrizer.h"
#include "models/inner_product_network.h"

using namespace orbit;

// f: no symmetry of its own.
struct Mlp : BaseFunction {
  explicit Mlp(Generator& g) : hidden(8, 64, g), out(64, 2, g) {
    AddModule("hidden", hidden);
    AddModule("out", out);
  }
  Variable Forward(const View& x, Generator&) const override {
    return Reshape(out(Relu(hidden(Reshape(x.Feature(0), {-1, 8})))), {-1, 2, 1});
  }
  nn::Linear hidden, out;
};

int main() {
  Generator g(0);
  const Group group = ParseGroup("SnxO2");
  auto q = std::make_unique<InnerProductNetwork>(group, InnerProductNetworkOptions(), g);
  auto p = MakeDistribution("learned", {.group = group}, std::move(q));
  Symmetrizer phi(std::make_unique<Mlp>(g), std::move(p), Representation::Vectors(0));
  optim::Adam adam(phi.NamedParameters());
  double loss = 0;
  for (int step = 1; step <= 1000; ++step) {
    const Variable points = g.Normal({64, 4, 2, 1}, 0, 1);  // [batch, points, coordinates, channels]
    const Variable target = Mean(Mul(points, Sum(Square(points), {2}, true)), {1});
    const Variable output = phi({.features = {{points, Representation::Vectors(1)}}}, /*samples=*/8, g).output;
    const Variable error = MseLoss(output, target);
    adam.ZeroGrad();
    error.Backward();
    adam.Step(3e-3);
    loss += (step == 1 ? 1 : 0.02) * (error.value().Item() - loss);
    if (step % 200 == 0) std::printf("step %d: mean squared error %.4f\n", step, loss);
  }
  return loss < 0.3 ? 0 : 1;
}
