#include "engine/optim/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/optim/adam.h"
#include "engine/optim/sgd.h"
#include "engine/random.h"
#include "kernels/parallel.h"

namespace orbit::optim {
namespace {

using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<NamedVariable> Parameters(DType dtype = DType::kF64) {
  const auto leaf = [&](const std::vector<double>& values) {
    return Variable(Tensor::From<double>(values, {static_cast<int64_t>(values.size())}).To(dtype), true);
  };
  return {{"p", leaf({0.5, -1.25, 2.0, 0.125, -3.0})}, {"q", leaf({1.0, -0.5})}};
}

// Sets the gradients of step t = 1, 2, ... of the recorded runs. Without `second`, q has none.
void SetGradients(const std::vector<NamedVariable>& parameters, double t, bool second = true) {
  const DType dtype = parameters[0].variable.dtype();
  parameters[0].variable.set_grad(Tensor::From<double>({0.1 * t, -0.2, 0.3 / t, -0.4 * t, 0.5}, {5}).To(dtype));
  parameters[1].variable.set_grad(second ? Tensor::From<double>({1.0 / t, -2.0}, {2}).To(dtype) : Tensor());
}

struct Run {
  double max_norm = kInfinity;
  bool skip_second = false;  // q has no gradient at t = 2
};

// Runs four steps at learning rate 0.01, after which p and q must be as PyTorch 2.15 left them.
void ExpectAfterFourSteps(Optimizer& optimizer, const std::vector<double>& expected, Run run = {},
                          double tolerance = 1e-14) {
  for (int t = 1; t <= 4; ++t) {
    optimizer.ZeroGrad();
    SetGradients(optimizer.parameters(), t, !(run.skip_second && t == 2));
    optimizer.Step(0.01, SquaredGradientNorm(optimizer.parameters()), run.max_norm);
  }
  std::vector<double> values;
  for (const NamedVariable& parameter : optimizer.parameters())
    for (double value : parameter.variable.value().ToVector<double>()) values.push_back(value);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], tolerance) << i;
}

const std::vector<double> kAdam = {0.46061379599723457, -1.210007070348193, 1.9612184412024787, 0.16379148680088393,
                                   -3.0399883780702606, 0.9629794255828089, -0.4600011036539396};

TEST(Adam, FollowsPyTorch) {
  Adam optimizer(Parameters(), {.weight_decay = 0.1});
  ExpectAfterFourSteps(optimizer, kAdam);
}

TEST(Adam, FollowsPyTorchInSinglePrecision) {
  Adam optimizer(Parameters(DType::kF32), {.weight_decay = 0.1});
  ExpectAfterFourSteps(optimizer, kAdam, {}, 1e-6);
}

TEST(Adam, SkipsParametersWithoutGradient) {
  Adam optimizer(Parameters(), {.weight_decay = 0.1});
  std::vector<double> expected = kAdam;
  expected[5] = 0.9725919935600833, expected[6] = -0.47000046733148626;
  ExpectAfterFourSteps(optimizer, expected, {.skip_second = true});
}

TEST(Adam, ClipsGradientsLikePyTorch) {
  Adam optimizer(Parameters(), {.weight_decay = 0.1});
  ExpectAfterFourSteps(optimizer,
                       {0.4603564056635287, -1.2100456601857197, 1.960848360857764, 0.16388535502812462,
                        -3.0314541621399242, 0.9627133342458474, -0.46007862921158815},
                       {.max_norm = 1.5});
}

TEST(Adam, DecouplesWeightDecayLikePyTorchsAdamW) {
  Adam optimizer(Parameters(), {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.1, .decoupled = true});
  ExpectAfterFourSteps(optimizer, {0.4585781912415377, -1.2050676547104517, 1.9564964200384318, 0.16392573700597263,
                                   -3.027957948113079, 0.9604903119206255, -0.4580629779805101});
}

TEST(Adam, FilterExcludesParametersFromDecay) {
  Adam optimizer(Parameters(), {.weight_decay = 0.1, .decoupled = true, .decays = [](const NamedVariable& parameter) {
                                  return parameter.name == "p";
                                }});
  ExpectAfterFourSteps(optimizer, {0.45922590921941847, -1.2050674570082522, 1.9558035592399343, 0.1632778400808842,
                                   -3.0279580271941993, 0.9637342302414442, -0.4600000002000001});
}

// A group's factor is as a learning rate of its own, in the decoupled decay, too; a factor of 0 freezes.
TEST(Adam, GroupsOfParametersLearnAtTheirOwnRates) {
  const auto after = [](double rate, RateFactor factor) {
    Adam optimizer(Parameters(), {.weight_decay = 0.1, .decoupled = true, .rate_factor = std::move(factor)});
    for (int t = 1; t <= 3; ++t) {
      SetGradients(optimizer.parameters(), t);
      optimizer.Step(rate);
    }
    std::vector<std::vector<double>> values;
    for (const NamedVariable& parameter : optimizer.parameters())
      values.push_back(parameter.variable.value().ToVector<double>());
    return values;
  };
  const auto of_q = [](double factor) {
    return [factor](const NamedVariable& parameter) { return parameter.name == "q" ? factor : 1; };
  };
  const auto half = after(0.01, of_q(0.5));
  EXPECT_EQ(half[0], after(0.01, {})[0]);
  EXPECT_EQ(half[1], after(0.005, {})[1]);
  EXPECT_EQ(after(0.01, of_q(0))[1], Parameters()[1].variable.value().ToVector<double>());
  EXPECT_THROW(after(0.01, of_q(-1)), Error);
}

TEST(Sgd, FollowsPyTorch) {
  Sgd plain(Parameters(), {.weight_decay = 0.1});
  ExpectAfterFourSteps(plain, {0.4880129930015, -1.23701948700325, 1.985774981505, 0.164460769496125,
                               -3.0079880079979997, 0.9752159610109999, -0.4181229180205});
  Sgd momentum(Parameters(), {.momentum = 0.9, .weight_decay = 0.1});
  ExpectAfterFourSteps(momentum, {0.47694303395150006, -1.2206356757282502, 1.9649314180050002, 0.19802811370862503,
                                  -3.018070353398, 0.934304061311, -0.31477887767049995});
  Sgd nesterov(Parameters(), {.momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
  ExpectAfterFourSteps(nesterov, {0.4672937872980981, -1.210643098340379, 1.9542817638121603, 0.23009149203016313,
                                  -3.0242196317905354, 0.916228169447053, -0.2517487741470081});
  Sgd skipping(Parameters(), {.momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
  ExpectAfterFourSteps(skipping,
                       {0.4672937872980981, -1.210643098340379, 1.9542817638121603, 0.23009149203016313,
                        -3.0242196317905354, 0.9439065125509999, -0.33528047339050004},
                       {.skip_second = true});
}

TEST(Optimizer, ContinuesFromASavedState) {
  const std::vector<NamedVariable> parameters = Parameters();
  TensorMap state;
  {
    Adam before(parameters, {.weight_decay = 0.1});
    for (int t = 1; t <= 2; ++t) SetGradients(parameters, t), before.Step(0.01);
    for (const auto& [name, tensor] : before.State()) state[name] = tensor.Clone();
  }
  EXPECT_EQ(state.size(), 6u);
  EXPECT_EQ(state.at("step/q").Item(), 2);
  Adam after(parameters, {.weight_decay = 0.1});
  after.LoadState(state);
  for (int t = 3; t <= 4; ++t) SetGradients(parameters, t), after.Step(0.01);
  EXPECT_NEAR(parameters[0].variable.value().ToVector<double>()[0], kAdam[0], 1e-14);
}

TEST(Optimizer, RefusesTheStateOfAnother) {
  Sgd sgd(Parameters(), {.momentum = 0.9});
  Adam adam(Parameters());
  EXPECT_THROW(sgd.LoadState(adam.State()), Error);
  EXPECT_THROW(adam.LoadState({}), Error);
}

TEST(Optimizer, RefusesMixedDtypesDuplicatesAndNone) {
  std::vector<NamedVariable> mixed = Parameters();
  mixed.push_back({"r", Variable(Tensor::Zeros({2}), true)});
  EXPECT_THROW(Adam{mixed}, Error);
  std::vector<NamedVariable> twice = Parameters();
  twice.push_back(twice[0]);
  EXPECT_THROW(Adam{twice}, Error);
  std::vector<NamedVariable> tied = Parameters();
  tied.push_back({"tied", tied[0].variable});
  const auto refuses = testing::ThrowsMessage<Error>(HasSubstr("p and tied are one"));
  EXPECT_THAT([&] { Adam{tied}; }, refuses);
  EXPECT_THAT([&] { Sgd{tied}; }, refuses);
  EXPECT_THROW(Adam{{}}, Error);
  EXPECT_THROW(Adam(Parameters(), {.beta1 = 1}), Error);
  EXPECT_THROW(Adam(Parameters(), {.weight_decay = -1}), Error);
  EXPECT_THROW(Sgd(Parameters(), {.nesterov = true}), Error);
}

TEST(GradientNorm, IsThatOfPyTorch) {
  const std::vector<NamedVariable> parameters = Parameters();
  EXPECT_EQ(GradientNorm(parameters), 0);
  SetGradients(parameters, 1);
  EXPECT_NEAR(GradientNorm(parameters), 2.3558437978779496, 1e-14);
  SetGradients(parameters, 2);
  EXPECT_NEAR(GradientNorm(parameters), 2.2896506283710623, 1e-14);
}

TEST(GradientNorm, FindsTheFirstParameterThatIsNotFinite) {
  const std::vector<NamedVariable> parameters = Parameters(DType::kF32);
  SetGradients(parameters, 1);
  EXPECT_EQ(FirstNonFiniteGradient(parameters), "");
  parameters[1].variable.set_grad(Tensor::From<float>({1, NAN}, {2}));
  EXPECT_FALSE(std::isfinite(GradientNorm(parameters)));
  EXPECT_EQ(FirstNonFiniteGradient(parameters), "q");
  parameters[0].variable.set_grad(Tensor::From<float>({1, 2, -INFINITY, 4, 5}, {5}));
  EXPECT_EQ(FirstNonFiniteGradient(parameters), "p");
  parameters[0].variable.set_grad(Tensor::Full({5}, std::numeric_limits<float>::max()));
  EXPECT_EQ(FirstNonFiniteGradient(parameters), "q") << "large, but finite";
}

TEST(Optimizer, DoesNotStepWhereAGradientIsNotFinite) {
  const std::vector<NamedVariable> parameters = Parameters();
  SetGradients(parameters, 1);
  parameters[1].variable.set_grad(Tensor::From<double>({1, NAN}, {2}));
  const auto values = [&] { return parameters[0].variable.value().ToVector<double>(); };
  const std::vector<double> before = values();
  Adam adam(parameters);
  adam.Step(0.01, SquaredGradientNorm(parameters), 1);
  Sgd sgd(parameters, {.momentum = 0.9});
  sgd.Step(0.01, SquaredGradientNorm(parameters));
  EXPECT_EQ(values(), before);
  EXPECT_EQ(adam.State().at("exp_avg/p").ToVector<double>(), std::vector<double>(5, 0));
  EXPECT_EQ(sgd.State().at("momentum_buffer/p").ToVector<double>(), std::vector<double>(5, 0));
  sgd.Step(0.01);
  EXPECT_NE(values(), before) << "without the norm nothing is checked";
}

// Sizes around the lengths of vectors and chunks: checks every element against the formula, and the same bits for any
// number of threads.
TEST(Optimizer, EveryElementIsUpdatedOnAnyNumberOfThreads) {
  const auto train = [](int threads) {
    kernels::SetNumThreads(threads);
    std::vector<NamedVariable> parameters;
    Generator generator(3);
    for (const int64_t size : {1, 7, 16, 33, 16384, 16385, 70001}) {
      parameters.push_back({"size " + std::to_string(size), Variable(generator.Normal({size}, 0, 1), true)});
      parameters.back().variable.set_grad(generator.Normal({size}, 0, 1));
    }
    const double norm = GradientNorm(parameters);
    Adam(parameters).Step(0.01, SquaredGradientNorm(parameters), 1);
    std::vector<float> all = {static_cast<float>(norm)};
    for (const NamedVariable& parameter : parameters)
      for (float value : parameter.variable.value().ToVector<float>()) all.push_back(value);
    return all;
  };
  const std::vector<float> one = train(1), two = train(2);
  EXPECT_EQ(one, two);

  Generator generator(3);  // the first step moves every element by 0.01 against its gradient's sign
  size_t next = 1;
  for (const int64_t size : {1, 7, 16, 33, 16384, 16385, 70001}) {
    const std::vector<float> before = generator.Normal({size}, 0, 1).ToVector<float>();
    const std::vector<float> gradient = generator.Normal({size}, 0, 1).ToVector<float>();
    for (int64_t i = 0; i < size; ++i, ++next) {
      const double shrunk = std::abs(gradient[i]) / one[0];
      ASSERT_NEAR(one[next], before[i] - std::copysign(0.01 * shrunk / (shrunk + 1e-8), gradient[i]), 1e-6)
          << "element " << i << " of " << size;
    }
  }
}

}  // namespace
}  // namespace orbit::optim
