// What every model guarantees, whatever its group, base function, distribution and output, tested through
// groups/model.h: exact equivariance jointly in data and noise, outputs that are means over samples, random numbers
// that do not depend on how a batch is divided, and the same bits for any number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/optim/sgd.h"
#include "engine/training/training_step.h"
#include "groups/equivariance.h"
#include "groups/symmetrizer.h"
#include "kernels/parallel.h"
#include "models/graph_image_model.h"
#include "models/graph_model.h"
#include "models/nbody_model.h"
#include "tests/models/example_data.h"

namespace orbit {
namespace {

constexpr int64_t kSamples = 3;

struct Case {
  std::string name;
  std::function<std::unique_ptr<Model>(Generator&)> make;
  std::function<Features(Generator&, DType)> data;
  int64_t samples = kSamples;
  bool needs_noise = true;  // in order to be equivariant
};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

Features Particles(Generator& generator, DType dtype) {
  return MakeParticleFeatures(ExampleParticles(generator, dtype));
}

NBodyModelOptions SmallParticleOptions(const std::string& symmetry, const std::string& base,
                                       const std::string& distribution) {
  NBodyModelOptions options;
  options.symmetry = symmetry;
  options.base = base;
  options.distribution = distribution;
  options.transformer.layers = 2;
  options.transformer.width = 16;
  options.gnn = {.layers = 2, .hidden = 12};
  options.egnn = {.layers = 2, .hidden = 16};
  options.network_hidden = 24;
  return options;
}

// A layer on everything that the view shows, reshaped to any shape, without any symmetry.
class Flat : public BaseFunction {
 public:
  Flat(int64_t in, Shape out, Generator& generator) : out_(std::move(out)), linear_(in, NumElements(out_), generator) {
    AddModule("linear", linear_);
  }
  Variable Forward(const View& x, Generator&) const override {
    std::vector<Variable> rows;
    for (size_t i = 0; i < x.x().features.size(); ++i) rows.push_back(Reshape(x.Feature(i), {x.rows(), -1}));
    Shape shape = out_;
    shape.insert(shape.begin(), x.rows());
    return Reshape(Tanh(linear_(Concat(rows, 1))), shape);
  }

 private:
  Shape out_;
  nn::Linear linear_;
};

Features RowsOf(const Features& x, const Span& rows) {
  const int64_t first = rows.first, last = rows.first + rows.count, n = x.edges.n;
  Features part = x;
  for (Feature& feature : part.features) feature.value = Slice(feature.value, 0, first, last);
  if (x.num_nodes.defined()) part.num_nodes = x.num_nodes.Rows(first, last);
  if (x.edges.graphs == 0) return part;
  const std::vector<int32_t> offsets = x.edges.offsets.ToVector<int32_t>(),
                             sources = x.edges.sources.ToVector<int32_t>();
  std::vector<std::vector<Edge>> graphs(rows.count);
  for (int64_t node = first * n; node < last * n; ++node)
    for (int32_t e = offsets[node]; e < offsets[node + 1]; ++e)
      graphs[node / n - first].push_back({sources[e], static_cast<int32_t>(node % n)});
  part.edges = MakeEdgeLists(n, graphs);
  if (x.edge_features.defined()) part.edge_features = x.edge_features.Rows(offsets[first * n], offsets[last * n]);
  return part;
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add_particles = [&](const std::string& base, const std::string& symmetry,
                                 const std::string& distribution) {
    const NBodyModelOptions options = SmallParticleOptions(symmetry, base, distribution);
    cases.push_back({"particles_" + base + "_" + symmetry + "_" + distribution,
                     [=](Generator& g) { return MakeNBodyModel(options, g); }, Particles,
                     distribution == "canonical" ? 1 : kSamples,
                     // A canonical order is a function of the data if there are no ties.
                     symmetry != "Sn" || distribution != "canonical"});
  };
  for (const char* distribution : {"learned", "haar", "canonical"}) {
    for (const char* symmetry : {"SnxO3", "SnxSO3", "O3", "SO3", "Sn"})
      add_particles("transformer", symmetry, distribution);
    for (const char* symmetry : {"O3", "SO3"}) add_particles("gnn", symmetry, distribution);
  }
  const auto egnn = [](Generator& g) { return MakeNBodyModel(SmallParticleOptions("SnxO3", "egnn", "learned"), g); };
  cases.push_back({"particles_egnn", egnn, Particles, 1, false});

  const auto graphs = [](Generator&, DType dtype) { return ExampleGraphs(dtype); };
  for (const char* base : {"mlp", "gin_id"})
    for (const std::string distribution : {"learned", "haar", "frame", "minimal_frame", "canonical"})
      for (const int order : {0, 1, 2}) {
        GraphModelOptions options = ExampleGraphOptions(base, distribution);
        options.base.output_order = order;
        options.base.head.outputs = order == 0 ? 1 : order == 1 ? 2 * kExampleNodes : kExampleNodes * kExampleNodes;
        // All orders of a minimal frame turn the graph into the same graph, whatever the noise.
        cases.push_back({"graphs_" + std::string(base) + "_" + distribution + "_order" + std::to_string(order),
                         [=](Generator& g) { return MakeGraphModel(options, g); }, graphs,
                         distribution == "canonical" ? 1 : kSamples, distribution != "minimal_frame" || order > 0});
      }
  // Images of graphs, for graphs, nodes and pairs; nodes also as the diagonal of pairs.
  for (const std::string distribution : {"learned", "haar", "frame", "canonical"})
    for (const int order : {0, 1, 2, -2}) {
      GraphImageModelOptions options = ExampleImageOptions(std::abs(order), distribution);
      options.diagonal = options.image.nodes_on_diagonal = order < 0;
      options.image.centered = order == 1;
      if (order == 1) options.image.padding = PadMode::kCircular;
      cases.push_back({"images_" + distribution + "_order" + (order < 0 ? "_diagonal" : std::to_string(order)),
                       [=](Generator& g) { return MakeGraphImageModel(options, g); },
                       [](Generator&, DType dtype) { return ExampleGraphsWithEdgeFeatures(dtype); },
                       distribution == "canonical" ? 1 : kSamples});
    }
  for (const std::string& name : TailoredGraphNetworks()) {
    const GraphModelOptions options = ExampleGraphOptions(name, "learned");
    cases.push_back({"graphs_" + name, [=](Generator& g) { return MakeGraphModel(options, g); }, graphs, 1, false});
  }

  const std::vector<std::tuple<std::string, Representation, Shape>> outputs = {
      {"invariant", Representation::Invariant(), {4}},
      {"nodes", Representation::Scalars(1), {5, 2}},
      {"pairs", Representation::Scalars(2), {5, 5, 2}},
      {"vector", Representation::Vectors(0), {3, 2}},
      {"points", Representation::Vectors(1, 1), {5, 3, 2}},
      {"pairs_of_vectors", Representation::Vectors(2), {5, 5, 3, 1}}};
  for (const auto& [name, representation, shape] : outputs)
    for (const std::string distribution : {"learned", "soft", "haar"}) {
      const auto make = [=, representation = representation, shape = shape](Generator& g) -> std::unique_ptr<Model> {
        const DistributionOptions options = {.group = ParseGroup("SnxE3"),
                                             .soft_sort = {.tau = 0.1, .hard = distribution != "soft"}};
        return std::make_unique<Symmetrizer>(
            std::make_unique<Flat>(5 * 3 * 2 + 5 * 5 * 2 + 5, shape, g),
            MakeDistribution(distribution == "haar" ? "haar" : "learned", options,
                             std::make_unique<ParticleNetwork>(SmallParticleOptions("SnxO3", "", ""), g)),
            representation);
      };
      cases.push_back({"any_" + name + "_" + distribution, make, Particles});
    }

  for (const char* name : {"O2", "SnxO3", "SO3", "SnxSE3", "U1", "SnxU2", "U3", "SU2", "SnxSU3", "O1,1", "O1,3",
                           "SnxO1,2", "SO+1,3", "SnxSO+1,3", "SnxSE+1,3"})
    for (const std::string distribution : {"learned", "haar", "canonical"}) {
      const Group group = ParseGroup(name);
      if (distribution == "haar" && !group.matrix->compact()) continue;
      const auto make = [=](Generator& g) -> std::unique_ptr<Model> {
        const int64_t d = group.matrix->dimension(), points = group.translations ? 1 : 0;
        return std::make_unique<Symmetrizer>(
            std::make_unique<Flat>(5 * d * (1 + points) + 5, Shape{5, d, 1 + points}, g),
            MakeDistribution(distribution, {.group = group, .frame_jitter = 1e-3}, ExampleVectorNetwork(group, g)),
            Representation::Vectors(1, points));
      };
      std::string test_name = "vectors_" + std::string(name) + "_" + distribution;
      std::replace(test_name.begin(), test_name.end(), ',', '_');
      std::replace(test_name.begin(), test_name.end(), '+', 'p');
      // In groups that are not compact the noise is invariant, and frames get none.
      cases.push_back({test_name, make, [=](Generator& g, DType dtype) { return ExampleVectors(group, g, dtype); },
                       distribution == "canonical" ? 1 : kSamples,
                       group.matrix->compact() || (group.permutations && distribution == "learned")});
    }
  return cases;
}

class EveryModel : public testing::TestWithParam<Case> {
 protected:
  Variable Predict(const Features& x, const Noise& noise) { return model_->Forward(x, noise, generator_).output; }

  Generator generator_{3};
  const std::unique_ptr<Model> model_ = GetParam().make(generator_);
};

TEST_P(EveryModel, IsExactlyEquivariantJointlyInDataAndNoise) {
  model_->To(DType::kF64);
  model_->Eval();
  const Features x = GetParam().data(generator_, DType::kF64);
  for (int trial = 0; trial < 2; ++trial) {
    const Noise noise = model_->DrawNoise(x, GetParam().samples, generator_);
    const Element h = RandomElement(model_->group(), x, generator_);
    const Features hx = Act(h, x);
    const Variable hy = Act(h, {Predict(x, noise), model_->output_representation()});
    EXPECT_LT(LargestDifference(Predict(hx, model_->Act(h, noise)), hy), 1e-10);
    // It would not be so without a reason: base functions see coordinates and the order of nodes.
    const double otherwise = LargestDifference(Predict(hx, noise), hy);
    EXPECT_EQ(otherwise > 1e-6, GetParam().needs_noise) << otherwise;
  }
}

TEST_P(EveryModel, TheOutputIsTheMeanOverSamples) {
  model_->To(DType::kF64);
  model_->Eval();
  const Features x = GetParam().data(generator_, DType::kF64);
  const auto result = (*model_)(x, GetParam().samples, generator_);
  Shape shape = result.output.shape();
  shape.insert(shape.begin() + 1, GetParam().samples);
  ASSERT_EQ(result.samples.shape(), shape);
  if (GetParam().name.starts_with("particles_transformer")) return;  // these add the positions
  const Variable moved = result.element.Act(model_->output_representation(), result.samples);
  EXPECT_LT(LargestDifference(Mean(moved, {1}), result.output), 1e-12);
}

TEST_P(EveryModel, ATrainingStepHasTheSameBitsOnAnyNumberOfThreads) {
  const int before = kernels::NumThreads();
  std::vector<std::vector<float>> gradients;
  for (const int threads : {1, 2, 2}) {
    kernels::SetNumThreads(threads);
    Generator generator(4);
    const std::unique_ptr<Model> model = GetParam().make(generator);
    const auto result = (*model)(GetParam().data(generator, DType::kF32), GetParam().samples, generator);
    Variable loss = Mean(Square(result.output));
    if (result.entropy.defined()) loss = Add(loss, result.entropy);
    loss.Backward();
    gradients.emplace_back();
    for (const auto& [name, parameter] : model->NamedParameters()) {
      if (!parameter.grad().defined()) continue;
      const std::vector<float> values = parameter.grad().ToVector<float>();
      gradients.back().insert(gradients.back().end(), values.begin(), values.end());
    }
  }
  kernels::SetNumThreads(before);
  EXPECT_GT(gradients[0].size(), 0u);
  EXPECT_EQ(gradients[0], gradients[1]);
  EXPECT_EQ(gradients[1], gradients[2]);
}

// What is drawn belongs to rows of the batch, and the loss is sums of rows.
TEST_P(EveryModel, MicroBatchesGiveTheGradientsOfTheBatch) {
  model_->To(DType::kF64);
  model_->Eval();  // in training BatchNorm would normalise each micro-batch by itself
  const Features x = GetParam().data(generator_, DType::kF64);
  const auto batch = static_cast<double>(x.batch());
  optim::Sgd optimizer(model_->NamedParameters());
  const auto gradients = [&](int64_t accumulate) {
    TrainingStep step(optimizer,
                      [&](const std::vector<Tensor>&, const Span& rows, Generator& generator) {
                        const auto result = (*model_)(RowsOf(x, rows), GetParam().samples, generator);
                        std::vector<LossPart> parts = {{"squares", Sum(Square(result.output)), batch}};
                        if (result.entropy.defined()) parts.push_back({"entropy", result.entropy, batch, 0.1});
                        return parts;
                      },
                      {.accumulate = accumulate});
    Generator generator(7);
    step.Gradients({Tensor::Zeros({x.batch()})}, generator);
    std::vector<double> values;
    for (const auto& [name, parameter] : model_->NamedParameters()) {
      if (!parameter.grad().defined()) continue;
      const std::vector<double> elements = parameter.grad().ToVector<double>();
      values.insert(values.end(), elements.begin(), elements.end());
    }
    return values;
  };
  const std::vector<double> whole = gradients(1), parts = gradients(2);  // of uneven sizes where there are three rows
  ASSERT_EQ(parts.size(), whole.size());
  double largest = 0;
  for (const double value : whole) largest = std::max(largest, std::abs(value));
  EXPECT_GT(largest, 0);
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i], whole[i], 1e-12 * (1 + largest));
}

// Under Precision::kBf16 the base function's activations are rounded. Elements are not, parameters, outputs and
// gradients stay f32, and no operation that a model is made of refuses what it is given.
TEST_P(EveryModel, FollowsF32InBF16) {
  model_->Eval();
  const Features x = GetParam().data(generator_, DType::kF32);
  const Noise noise = model_->DrawNoise(x, GetParam().samples, generator_);
  const auto exact = model_->Forward(x, noise, generator_);
  model_->set_precision(Precision::kBf16);
  const auto rounded = model_->Forward(x, noise, generator_);
  EXPECT_EQ(rounded.output.dtype(), DType::kF32);
  if (exact.element.matrix.defined()) {
    EXPECT_EQ(LargestDifference(exact.element.matrix, rounded.element.matrix), 0);
  }
  const double difference = LargestDifference(exact.samples, rounded.samples);
  EXPECT_LT(difference, 0.05 * (1 + Max(Reshape(Abs(exact.samples), {-1}), 0).value().Item()));
  EXPECT_GT(difference, 0);
  Mean(Square(rounded.output)).Backward();
  for (const auto& [name, parameter] : model_->NamedParameters()) {
    if (parameter.grad().defined()) {
      EXPECT_EQ(parameter.grad().dtype(), DType::kF32) << name;
    }
  }
}

TEST_P(EveryModel, WhatIsSampledDiffersWhenItIsDrawnAnew) {
  model_->Eval();
  const Features x = GetParam().data(generator_, DType::kF32);
  EXPECT_THROW(model_->DrawNoise(x, 0, generator_), Error);
  if (GetParam().samples == 1) {
    EXPECT_THROW(model_->DrawNoise(x, 2, generator_), Error);
    return;
  }
  const auto draw = [&] { return (*model_)(x, GetParam().samples, generator_).output; };
  if (GetParam().needs_noise) {
    EXPECT_GT(LargestDifference(draw(), draw()), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, testing::ValuesIn(Cases()), [](const auto& info) { return info.param.name; });

// Rows of a batch, and samples of its rows, give the same alone as in the whole.
TEST(ModelTest, PartsOfABatchAreWhatTheyAreInTheWhole) {
  for (const char* distribution : {"learned", "haar"}) {
    SCOPED_TRACE(distribution);
    Generator generator(3);
    const auto model = MakeNBodyModel(SmallParticleOptions("SnxO3", "transformer", distribution), generator);
    model->To(DType::kF64);
    model->Eval();
    const Features x = Particles(generator, DType::kF64);
    const int64_t batch = x.batch();
    const Generator start = generator;
    const auto all = (*model)(x, kSamples, generator);
    for (int64_t row = 0; row < batch; ++row) {
      const Features part = RowsOf(x, {row, 1, batch});
      Generator of_row = start.WithRows({row, 1, batch});
      const auto alone = (*model)(part, kSamples, of_row);
      EXPECT_LT(LargestDifference(alone.output, Slice(all.output, 0, row, row + 1)), 1e-12);
      Generator of_samples = start.WithRows({row, 1, batch}).WithSamples({1, 2, kSamples});
      const auto two = (*model)(part, 2, of_samples);
      EXPECT_LT(LargestDifference(two.samples, Slice(alone.samples, 1, 1, 3)), 1e-12);
    }
  }
}

}  // namespace
}  // namespace orbit
