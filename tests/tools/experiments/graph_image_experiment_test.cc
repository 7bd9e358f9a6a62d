// Experiments with vision transformers on graphs: losses and metrics of their batches, how equivariant they are, and
// that parts of a batch add up to it.
#include "tools/experiments/graph_image_experiment.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <numeric>

#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"
#include "tools/experiments/evaluation.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

class GraphImageExperimentTest : public io::FileTest {
 protected:
  void SetUp() override { setenv("ORBIT_CACHE", Path("cache").c_str(), 1); }

  std::unique_ptr<Experiment> Make(const std::string& preset, std::vector<std::string> assignments = {}) {
    assignments.insert(assignments.begin(),
                       {"model.transformer.layers=1", "model.transformer.width=16", "model.transformer.heads=2",
                        "model.transformer.hidden=16", "model.transformer.grid=4", "model.network.hidden=8"});
    Config config = ResolveSettings({.preset = preset, .file = "", .assignments = assignments});
    std::unique_ptr<Experiment> experiment = MakeExperiment(config, Device{});
    experiment->model().Eval();
    return experiment;
  }

  std::unique_ptr<Experiment> Pattern(std::vector<std::string> assignments = {}) {
    assignments.insert(assignments.end(),
                       {"data.patterns=2", "data.train=2", "data.valid=1", "data.test=2", "train.precision=f32"});
    return Make("pattern", assignments);
  }

  // Three molecules, of 2 and of 3 atoms in a row; the last atom is in contact with the first.
  std::unique_ptr<Experiment> Contacts(std::vector<std::string> assignments = {}) {
    using namespace python;
    const auto numbers = [](const std::vector<int32_t>& shape, const std::vector<int64_t>& values) {
      return Array(shape, Dtype("i8"), false, RawList(values));
    };
    const auto molecule = [&](int32_t n) {
      std::vector<int64_t> sources, targets;
      for (int64_t i = 0; i + 1 < n; ++i)
        for (const auto& [from, to] : {std::pair(i, i + 1), std::pair(i + 1, i)}) {
          sources.push_back(from);
          targets.push_back(to);
        }
      const auto edges = static_cast<int32_t>(sources.size());
      sources.insert(sources.end(), targets.begin(), targets.end());
      return Tuple({numbers({n, 9}, std::vector<int64_t>(n * 9, 1)),
                    numbers({edges, 3}, std::vector<int64_t>(edges * 3, 0)), numbers({2, edges}, sources),
                    numbers({2, 2}, {n - 1, 0, 0, n - 1}), numbers({2}, {1, 0})});
    };
    for (const char* name : {"train.pt", "val.pt", "test.pt"})
      io::WriteFile(Path(name), PickleOf(List({molecule(2), molecule(3), molecule(3)})));
    assignments.insert(assignments.end(), {"data.path=" + Path(""), "train.precision=f32"});
    return Make("pcqm_contact", assignments);
  }

  static void PartsAddUp(const Experiment& experiment, int64_t count) {
    const auto loss_of = [&](int64_t first, int64_t rows) {
      std::vector<int64_t> all, numbers;
      for (int64_t i = 0; i < count; ++i) all.push_back(i);
      for (int64_t i = first; i < first + rows; ++i) numbers.push_back(i);
      const WholeBatch whole{.examples = count, .counts = experiment.Counts(Split::kTest, Tensor::From(all, {count}))};
      const Batch batch = experiment.Load(Split::kTest, Tensor::From(numbers, {rows}));
      Generator generator = MakeGenerator(0, RandomUse::kTest).WithRows({first, rows, count});
      return Total(experiment.TrainingLoss(batch, whole, 2, generator)).value().Item();
    };
    EXPECT_NEAR(loss_of(0, 1) + loss_of(1, count - 1), loss_of(0, count), 1e-5);
  }

  static void IsEquivariant(const Experiment& experiment) {
    Generator generator = MakeGenerator(0, RandomUse::kTest);
    EXPECT_LT(MeasureEquivariance(experiment, Split::kTest, 2, generator).exact, 1e-5);
  }
};

TEST_F(GraphImageExperimentTest, Pattern) {
  const auto experiment = Pattern();
  EXPECT_EQ(experiment->Describe(), "graphs with patterns: 4 to train, 2 to valid, 4 to test");
  const Tensor all = Tensor::From(std::vector<int64_t>{0, 1, 2, 3}, {4});
  const std::vector<double> counts = experiment->Counts(Split::kTest, all);
  const std::vector<int64_t> target = experiment->Load(Split::kTest, all).target.ToVector<int64_t>();
  EXPECT_EQ(counts[0], std::count(target.begin(), target.end(), 0));
  EXPECT_EQ(counts[1], std::count(target.begin(), target.end(), 1));
  // Logits that are the same for all nodes choose the first class: one of two is right.
  EXPECT_EQ(experiment->Measure(Tensor::Zeros({4, 188, 2}), Tensor::From(target, {4, 188})),
            (Metrics{{"accuracy", 50}}));
  EXPECT_NEAR(Total(experiment->Loss(Tensor::Zeros({4, 188, 2}), Tensor::From(target, {4, 188}),
                                     {.examples = 4, .counts = counts}))
                  .value()
                  .Item(),
              std::log(2), 1e-5);
  PartsAddUp(*experiment, 4);
  IsEquivariant(*experiment);
}

// Losses and accuracies are means over batches of 128 graphs, whose classes weigh by their rarity within the batch; how
// many graphs go through the model at once does not matter.
TEST_F(GraphImageExperimentTest, PatternIsEvaluatedInThePublishedBatches) {
  const auto experiment = Make("pattern", {"data.patterns=1", "data.train=1", "data.valid=131", "data.test=1",
                                           "train.precision=f32", "model.distribution=canonical"});
  Generator generator = MakeGenerator(0, RandomUse::kTest);
  const Evaluation evaluation = Evaluate(*experiment, Split::kValid, 1, generator);
  std::vector<int64_t> numbers(131);
  std::iota(numbers.begin(), numbers.end(), 0);
  const Tensor all = Tensor::From(numbers, {131});
  const Tensor targets = experiment->Load(Split::kValid, all).target;
  double loss = 0, accuracy = 0;
  for (const auto& [begin, end] : {std::pair(0, 128), std::pair(128, 131)}) {
    const Tensor predictions = evaluation.predictions.Rows(begin, end), of_batch = targets.Rows(begin, end);
    const WholeBatch whole{.examples = end - begin, .counts = experiment->Counts(Split::kValid, all.Rows(begin, end))};
    loss += Total(experiment->Loss(predictions, of_batch, whole)).value().Item() / 2;
    accuracy += experiment->Measure(predictions, of_batch).at(0).second / 2;
  }
  EXPECT_NEAR(evaluation.loss, loss, 1e-5);
  EXPECT_NEAR(evaluation.metric, accuracy, 1e-9);
  const WholeBatch split{.examples = 131, .counts = experiment->Counts(Split::kValid, all)};
  const double of_split = Total(experiment->Loss(evaluation.predictions, targets, split)).value().Item();
  EXPECT_GT(std::abs(evaluation.loss - of_split), 1e-4) << "the batches do not matter, so that nothing is tested";
}

TEST_F(GraphImageExperimentTest, PatternByEveryDistribution) {
  for (const char* distribution : {"haar", "frame", "canonical"}) {
    const auto experiment = Pattern({std::string("model.distribution=") + distribution});
    Generator generator = MakeGenerator(0, RandomUse::kTest);
    const Evaluation evaluation = Evaluate(*experiment, Split::kTest, 1, generator);
    EXPECT_EQ(evaluation.predictions.shape(), (Shape{4, 188, 2}));
    EXPECT_TRUE(std::isfinite(evaluation.loss)) << distribution;
  }
}

TEST_F(GraphImageExperimentTest, RefusesPaddingThatReachesTooFar) {
  EXPECT_THAT(io::MessageOf([&] {
                Contacts({"model.padding=reflect", "model.transformer.grid=14"});
              }),
              testing::AllOf(testing::StartsWith("model.padding: an axis of 53 elements cannot be reflected by"),
                             testing::HasSubstr("a smaller model.transformer.grid")));
  Contacts({"model.padding=zero", "model.transformer.grid=14"});
}

TEST_F(GraphImageExperimentTest, PcqmContact) {
  const auto experiment = Contacts();
  const Tensor all = Tensor::From(std::vector<int64_t>{0, 1, 2}, {3});
  EXPECT_THAT(experiment->Counts(Split::kTest, all), testing::ElementsAre(6));
  const Batch batch = experiment->Load(Split::kTest, all);
  EXPECT_EQ(batch.x.edge_features.shape(), (Shape{2 + 4 + 4, 7}));
  const WholeBatch whole{.examples = 3, .counts = {6}};
  EXPECT_NEAR(Total(experiment->Loss(Tensor::Zeros({3, 53, 53}), batch.target, whole)).value().Item(), std::log(2),
              1e-6);
  // Scores that are highest from the last atom to the first, and from an atom to itself.
  std::vector<float> scores(3 * 53 * 53);
  for (int64_t g = 0; g < 3; ++g)
    for (int64_t i = 0; i < 3; ++i) scores[(g * 53 + i) * 53 + i] = 2;
  scores[1 * 53] = scores[(53 + 2) * 53] = scores[(2 * 53 + 2) * 53] = 1;
  const Metrics metrics = experiment->Measure(Tensor::From(scores, {3, 53, 53}), batch.target);
  EXPECT_EQ(metrics.at(0), (std::pair<std::string, double>("mrr", 0.5)));
  EXPECT_EQ(metrics.at(8), (std::pair<std::string, double>("mrr_filtered_noself", 1)));
  EXPECT_EQ(metrics.at(9), (std::pair<std::string, double>("hits@1_filtered_noself", 1)));
  PartsAddUp(*experiment, 3);
  IsEquivariant(*experiment);
}

}  // namespace
}  // namespace orbit
