// Any function, made equivariant to the Lorentz group: an MLP on the four-momenta of 5 particles, under S_5 x SO+(1,3).
// It differs from the README's example in the group, the data, and the network, which serves every matrix group.
#include <cstdio>

#include "engine/nn/nn.h"
#include "engine/ops/ops.h"
#include "engine/optim/adam.h"
#include "groups/equivariance.h"
#include "groups/symmetrizer.h"
#include "models/inner_product_network.h"

using namespace orbit;

struct Mlp : BaseFunction {
  explicit Mlp(Generator& g) : hidden(20, 64, g), out(64, 4, g) {
    AddModule("hidden", hidden);
    AddModule("out", out);
  }
  Variable Forward(const View& x, Generator&) const override {
    return Reshape(out(Relu(hidden(Reshape(x.Feature(0), {-1, 20})))), {-1, 4, 1});
  }
  nn::Linear hidden, out;
};

// Momenta (E, p) [batch, 5, 4, 1] of particles with masses from 0.3 to 0.6.
Features DrawParticles(int64_t batch, Generator& g) {
  const Variable p = g.Normal({batch, 5, 3, 1}, 0, 0.5), mass = g.Uniform({batch, 5, 1, 1}, 0.3, 0.6);
  return {
      .features = {{Concat({Sqrt(Add(Sum(Square(p), {2}, true), Square(mass))), p}, 2), Representation::Vectors(1)}}};
}

// The sum of the momenta, each times its energy in the frame in which they are at rest together: p_i (p_i . P) / |P|.
Variable Target(const Form& form, const Variable& p) {
  const Variable total = Sum(p, {1}, true), lowered = Lower(form, total);
  const Variable mass = Sqrt(Sum(Mul(total, lowered), {2}, true));
  return Sum(Mul(p, Div(Sum(Mul(p, lowered), {2}, true), mass)), {1});
}

int main() {
  Generator g(0);
  const Group group = ParseGroup("SnxSO+1,3");
  const Form& form = group.matrix->form();
  auto q = std::make_unique<InnerProductNetwork>(group, InnerProductNetworkOptions{.hidden = 16}, g);
  Symmetrizer phi(std::make_unique<Mlp>(g), MakeDistribution("learned", {.group = group}, std::move(q)),
                  Representation::Vectors(0));
  optim::Adam adam(phi.NamedParameters());
  for (int step = 1; step <= 500; ++step) {
    const Features particles = DrawParticles(64, g);
    const Variable error = MseLoss(phi(particles, /*samples=*/4, g).output, Target(form, particles.features[0].value));
    adam.ZeroGrad();
    error.Backward();
    adam.Step(3e-3);
    if (step % 100 == 0) std::printf("step %d: mean squared error %.4f\n", step, error.value().Item());
  }

  // The error is the same under boosts of rapidity up to 2, on which it was not trained. The best multiple of the total
  // momentum would have an error of 0.035.
  const NoGrad no_grad;
  const Features particles = DrawParticles(1000, g);
  const Element h = RandomElement(group, particles, g);
  const Variable target = Target(form, particles.features[0].value);
  const auto relative_error = [&](const Variable& output) {
    return MseLoss(output, target).value().Item() / Mean(Square(target)).value().Item();
  };
  const double at_rest = relative_error(phi(particles, 16, g).output);
  const Variable moved = phi(Act(h, particles), 16, g).output;
  const double boosted = relative_error(Reshape(h.ActInverse(Representation::Vectors(0), moved, 1), target.shape()));
  std::printf("relative error %.5f, boosted %.5f\n", at_rest, boosted);
  return at_rest < 0.01 && boosted < 0.01 ? 0 : 1;
}
