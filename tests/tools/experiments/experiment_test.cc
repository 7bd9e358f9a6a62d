// Experiments on files that the test makes: what they find, what their losses and metrics are, how equivariant models
// on them are, and that parts of a batch add up to it.
#include "tools/experiments/experiment.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "data/io/npy.h"
#include "tests/engine/io/testing.h"
#include "tools/experiments/evaluation.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

using testing::HasSubstr;

class ExperimentTest : public io::FileTest {
 protected:
  // Five graphs of the classes 2, 4 and 9 to test on, and one of every other split.
  std::unique_ptr<Experiment> Graphs(std::vector<std::string> assignments = {}) {
    io::WriteFile(Path("graphs.g6"), "Bw\nBg\nCF\nC~\nDQc\nBw\nBw\n");
    io::WriteFile(Path("labels.csv"), "0,4\n1,2\n2,9\n3,4\n4,2\n5,2\n6,2\n");
    io::WriteFile(Path("splits.csv"), "0,test\n1,test\n2,test\n3,test\n4,test\n5,train\n6,valid\n");
    assignments.insert(assignments.end(), {"data.path=" + Path(""), "model.gin_id.hidden=8", "model.network.hidden=8"});
    return Make("graphs", assignments);
  }
  // Trajectories of three particles in a plane; the test split alone is told of at the end.
  std::unique_ptr<Experiment> Plane(const std::vector<std::string>& assignments) {
    Generator generator(1);
    for (const char* name : {"loc_train", "vel_train", "loc_test", "vel_test"})
      WriteNpy(Path(std::string(name) + ".npy"), generator.Normal({6, 2, 2, 3}, 0, 1));
    std::vector<std::string> all = {"data.path=" + Path(""),     "data.input_frame=0",
                                    "data.target_frame=1",       "model.transformer.layers=1",
                                    "model.transformer.width=8", "model.network.hidden=12"};
    all.insert(all.end(), assignments.begin(), assignments.end());
    return Make("particles", all);
  }
  std::unique_ptr<Experiment> Make(const std::string& preset, const std::vector<std::string>& assignments) {
    config_.emplace(ResolveSettings({.preset = preset, .file = "", .assignments = assignments}));
    std::unique_ptr<Experiment> experiment = MakeExperiment(*config_, Device{});
    experiment->model().Eval();
    return experiment;
  }
  std::optional<Config> config_;
};

TEST_F(ExperimentTest, ClassesAreComparedByCrossEntropy) {
  const auto experiment = Graphs();
  EXPECT_THAT(config_->IntList("data.classes"), testing::ElementsAre(2, 4, 9));
  EXPECT_EQ(config_->Int("data.nodes"), 5);
  const Batch batch = experiment->Load(Split::kTest, Tensor::From(std::vector<int64_t>{2, 0}, {2}));
  EXPECT_THAT(batch.target.ToVector<float>(), testing::ElementsAre(2, 1));
  const Tensor logits = Tensor::From(std::vector<float>{1000, 1, 999, 0, 2, 0}, {2, 3});
  const std::vector<LossPart> parts = experiment->Loss(logits, batch.target, {.examples = 10, .counts = {}});
  const double expected = std::log(1 + std::exp(1.0)) + std::log(std::exp(2.0) + 2) - 2;
  EXPECT_NEAR(parts[0].sum.value().Item(), expected, 1e-4);  // logits of 1000 are f32
  EXPECT_EQ(parts[0].denominator, 10);
  EXPECT_EQ(experiment->Measure(logits, batch.target), (Metrics{{"accuracy", 50}}));
}

TEST_F(ExperimentTest, ValuesAreComparedByDistance) {
  const auto experiment = Graphs({"data.target=values"});
  const Batch batch = experiment->Load(Split::kTest, Tensor::From(std::vector<int64_t>{2, 0}, {2}));
  const Tensor values = Tensor::From(std::vector<float>{6, 5}, {2, 1});
  EXPECT_EQ(experiment->Loss(values, batch.target, {.examples = 5, .counts = {}})[0].sum.value().Item(), 10);
  EXPECT_EQ(experiment->Loss(values, batch.target, {.examples = 5, .counts = {}})[0].denominator, 5);
  EXPECT_EQ(experiment->Measure(values, batch.target), (Metrics{{"mae", 2}}));
}

// The loss of a batch is that of its parts, for the same random numbers; so is an evaluation in chunks, which is of one
// graph each with this many samples.
TEST_F(ExperimentTest, PartsOfABatchAddUpToIt) {
  const auto experiment = Graphs({"data.nodes=8"});
  const int64_t samples = experiment->rows_at_once();
  const auto loss_of = [&](int64_t first, int64_t count) {
    std::vector<int64_t> numbers;
    for (int64_t i = first; i < first + count; ++i) numbers.push_back(i);
    const Batch batch = experiment->Load(Split::kTest, Tensor::From(numbers, {count}));
    Generator generator = MakeGenerator(0, RandomUse::kTest).WithRows({first, count, 5});
    const std::vector<LossPart> parts =
        experiment->TrainingLoss(batch, {.examples = 5, .counts = {}}, samples, generator);
    EXPECT_EQ(parts.at(1).name, "entropy");
    return std::pair(parts[0].sum.value().Item() / parts[0].denominator, Total(parts).value().Item());
  };
  const auto [loss, total] = loss_of(0, 5);
  EXPECT_NEAR(loss_of(0, 2).second + loss_of(2, 3).second, total, 1e-5);
  Generator generator = MakeGenerator(0, RandomUse::kTest);
  EXPECT_NEAR(Evaluate(*experiment, Split::kTest, samples, generator).loss, loss, 1e-5);
}

// In chunks of one graph each.
TEST_F(ExperimentTest, EvaluationStopsBetweenChunks) {
  const auto experiment = Graphs({"data.nodes=8"});
  const int64_t samples = experiment->rows_at_once();
  int64_t asked = 0, chunks = 0;
  const auto evaluate = [&](int64_t stop_at) {
    asked = chunks = 0;
    Generator generator = MakeGenerator(0, RandomUse::kTest);
    return EvaluateUntil([&] { return ++asked == stop_at; }, *experiment, Split::kTest, samples, generator,
                         [&](double) { ++chunks; });
  };
  EXPECT_FALSE(evaluate(3).has_value());
  EXPECT_EQ(chunks, 2);
  Generator generator = MakeGenerator(0, RandomUse::kTest);
  EXPECT_EQ(evaluate(6).value().loss, Evaluate(*experiment, Split::kTest, samples, generator).loss);
  EXPECT_EQ(chunks, 5);
}

// A permutation is made of any scores; what comes of NaN says nothing about the graph.
TEST_F(ExperimentTest, ScoresThatAreNotFiniteAreRefused) {
  for (const float weight : {std::numeric_limits<float>::infinity(), 3e38f}) {
    const auto experiment = Graphs();
    for (const NamedVariable& parameter : experiment->model().NamedParameters())
      if (parameter.name.starts_with("interface."))
        parameter.variable.value().CopyFrom(Tensor::Full(parameter.variable.shape(), weight));
    EXPECT_THAT(io::MessageOf([&] {
                  Generator generator(1);
                  CheckFinite(Evaluate(*experiment, Split::kTest, 2, generator), Split::kTest);
                }),
                HasSubstr("the equivariant network q gives the nodes of example 0 of the test split"));
  }
}

TEST_F(ExperimentTest, EvaluationHasItsOwnPrecision) {
  const auto predictions = [&](const std::vector<std::string>& precisions) {
    const auto experiment = Graphs(precisions);
    Generator generator = MakeGenerator(0, RandomUse::kTest);
    const std::vector<float> values = Evaluate(*experiment, Split::kTest, 2, generator).predictions.ToVector<float>();
    EXPECT_EQ(experiment->model().precision(), ParsePrecision(config_->String("train.precision")));
    return values;
  };
  const std::vector<float> f32 = predictions({});
  EXPECT_EQ(predictions({"train.precision=bf16", "evaluation.precision=f32"}), f32);
  EXPECT_NE(predictions({"train.precision=bf16"}), f32);
}

TEST_F(ExperimentTest, ParticlesInAPlane) {
  for (const char* model : {"model.base=transformer", "model.base=gnn"}) {
    const auto experiment =
        Plane({model, std::string("model.symmetry=") + (model == std::string("model.base=gnn") ? "O3" : "SnxO3")});
    EXPECT_EQ(experiment->Describe(), "trajectories of 3 particles in 2 dimensions: 6 to train, 6 to test");
    Generator generator(3);
    const Evaluation evaluation = Evaluate(*experiment, Split::kTest, 4, generator);
    EXPECT_EQ(evaluation.predictions.shape(), (Shape{6, 3, 2}));
    EXPECT_TRUE(std::isfinite(evaluation.metric));
    EXPECT_LT(MeasureEquivariance(*experiment, Split::kTest, 4, generator).exact, 1e-4);
  }
  EXPECT_THAT(io::MessageOf([&] { Plane({"model.symmetry=SnxSO3"}); }), HasSubstr("turned over by rotations"));
  EXPECT_THAT(io::MessageOf([&] { Plane({"model.distribution=canonical"}); }), HasSubstr("no frame of space"));
  EXPECT_THAT(io::MessageOf([&] { Plane({"model.base=egnn"}); }), HasSubstr("egnn needs charges"));
}

// The metric of targets that do not determine it is no failure of the model; anything else that is not finite is.
TEST(CheckFinite, AllowsAMetricThatIsUndefined) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
  const auto check = [](double loss, double metric, double prediction, bool is_known = true) {
    CheckFinite({.is_known = is_known,
                 .loss = loss,
                 .metric = metric,
                 .predictions = Tensor::From(std::vector<double>{1, prediction}, {2})},
                Split::kTest);
  };
  EXPECT_NO_THROW(check(1, 2, 3));
  EXPECT_NO_THROW(check(0, kNaN, 3));
  EXPECT_THROW(check(0, kNaN, kNaN), Error);
  EXPECT_THROW(check(0, kInf, 3), Error);
  EXPECT_THROW(check(kNaN, 2, 3), Error);
  EXPECT_NO_THROW(check(0, 0, 3, /*is_known=*/false));
  EXPECT_THROW(check(0, 0, kInf, /*is_known=*/false), Error);
}

}  // namespace
}  // namespace orbit
