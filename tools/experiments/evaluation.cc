#include "tools/experiments/evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/training/training_step.h"
#include "groups/equivariance.h"

namespace orbit {
namespace {

// The numbers begin, ..., end - 1, i64.
Tensor Range(int64_t begin, int64_t end) {
  std::vector<int64_t> numbers(end - begin);
  std::iota(numbers.begin(), numbers.end(), begin);
  return Tensor::From(numbers, {end - begin});
}

// The examples [begin, end) of a split, on the model's device.
Batch LoadRange(const Experiment& experiment, Split split, int64_t begin, int64_t end) {
  return experiment.Load(split, Range(begin, end)).To(experiment.device());
}

int64_t ExamplesAtOnce(const Experiment& experiment, Split split, int64_t samples) {
  return std::min(experiment.size(split), std::max<int64_t>(1, experiment.rows_at_once() / samples));
}

// Has the model compute in the precision of evaluation.
class EvaluationPrecision {
 public:
  explicit EvaluationPrecision(const Experiment& experiment)
      : model_(experiment.model()), of_training_(model_.precision()) {
    model_.set_precision(experiment.evaluation_precision());
  }
  ~EvaluationPrecision() { model_.set_precision(of_training_); }
  EvaluationPrecision(const EvaluationPrecision&) = delete;
  EvaluationPrecision& operator=(const EvaluationPrecision&) = delete;

 private:
  Model& model_;
  Precision of_training_;
};

// What a model makes of the examples of a split, at their places.
struct Outputs {
  Tensor predictions, targets;  // [examples, ...]
  Tensor scores;                // NonFiniteScores: [examples]; undefined where the model has none
};

// Writes rows [begin, ...) of a tensor of `count` rows, which is made with the first ones; all others are 0.
void CopyRows(const Tensor& rows, int64_t begin, int64_t count, Tensor& all) {
  if (!all.defined()) {
    Shape shape = rows.shape();
    shape[0] = count;
    all = Tensor::Zeros(shape, rows.dtype(), rows.device());
  }
  all.Rows(begin, begin + rows.dim(0)).CopyFrom(rows);
}

// Writes those of a batch, the examples [begin, ...) of `count`.
void CopyOutputs(const Experiment& experiment, const Batch& batch, const Model::Result& result, int64_t begin,
                 int64_t count, Outputs& outputs) {
  CopyRows(experiment.Prediction(result.output).value(), begin, count, outputs.predictions);
  if (batch.target.defined()) CopyRows(batch.target, begin, count, outputs.targets);
  if (const Tensor scores = NonFiniteScores(result.element); scores.defined())
    CopyRows(scores, begin, count, outputs.scores);
}

// Adds up what ranks have of the outputs; one that does not add leaves its predictions and targets out.
void AddOutputs(Communicator& ranks, bool adds, Outputs& outputs) {
  for (const Tensor* x : {&outputs.predictions, &outputs.targets}) {
    if (!x->defined()) continue;
    if (!adds) x->Zero();
    ranks.AllReduce(*x).Wait();
  }
  if (outputs.scores.defined()) ranks.AllReduce(outputs.scores).Wait();
}

void CheckScores(const Tensor& scores, Split split) {
  if (!scores.defined()) return;
  const std::vector<double> of_examples = scores.ToVector<double>();
  for (size_t i = 0; i < of_examples.size(); ++i)
    Check(!std::isnan(of_examples[i]), "the scores that the equivariant network q gives the nodes of example ", i,
          " of the ", NameOf(split), " split, counted from 0, are not finite: they have no order");
}

// The mean loss of the evaluation batches of a split, each computed from `at_once` examples at a time.
double LossOf(const Experiment& experiment, Split split, const Tensor& predictions, const Tensor& targets,
              int64_t at_once) {
  const int64_t count = predictions.dim(0), size = std::min(count, experiment.evaluation_batch());
  const int64_t batches = (count + size - 1) / size;
  double loss = 0;
  for (int64_t first = 0; first < count; first += size) {
    const int64_t last = std::min(count, first + size);
    const WholeBatch whole{.examples = last - first, .counts = experiment.Counts(split, Range(first, last))};
    for (int64_t begin = first; begin < last; begin += at_once) {
      const int64_t end = std::min(last, begin + at_once);
      for (const LossPart& part : experiment.Loss(predictions.Rows(begin, end), targets.Rows(begin, end), whole))
        loss += part.weight * part.sum.value().Item() / part.denominator / static_cast<double>(batches);
    }
  }
  return loss;
}

double RelativeDistance(const Variable& a, const Variable& b) {
  return std::sqrt(Sum(Square(Sub(a, b))).value().Item() / Sum(Square(b)).value().Item());
}

}  // namespace

Evaluation Evaluate(const Experiment& experiment, Split split, int64_t samples, Generator& generator,
                    const ShareDone& progress, const Division& division) {
  return EvaluateUntil({}, experiment, split, samples, generator, progress, division).value();
}

std::optional<Evaluation> EvaluateUntil(const Request& stop, const Experiment& experiment, Split split, int64_t samples,
                                        Generator& generator, const ShareDone& progress, const Division& division) {
  NoGrad no_grad;
  const int64_t count = experiment.size(split);
  Check(count > 0, "there are no examples of the split ", NameOf(split));
  if (!experiment.model().is_sampled()) samples = 1;
  Communicator* ranks = division.ranks && division.ranks->world() > 1 ? division.ranks : nullptr;
  const bool by_samples = ranks && division.by_samples && samples >= ranks->world();
  Communicator* sharers = by_samples ? ranks : nullptr;
  const int64_t at_once = ExamplesAtOnce(experiment, split, by_samples ? samples / ranks->world() : samples);
  Span mine = ranks && !by_samples ? PartOf(count, ranks->world(), ranks->rank()) : PartOf(count, 1, 0);
  // A rank without examples does one of another's again, and learns the shapes of the results.
  const bool adds = mine.count > 0 && (!by_samples || ranks->rank() == 0);
  if (mine.count == 0) mine = {.first = 0, .count = 1, .total = count};

  const EvaluationPrecision precision(experiment);
  const Generator start = generator;
  Outputs outputs;
  bool stopped = false;
  const auto compute = [&](const Request& stop_now) {
    for (int64_t begin = mine.first; begin < mine.first + mine.count; begin += at_once) {
      if (stop && (stopped = stop_now())) return;
      const int64_t end = std::min(mine.first + mine.count, begin + at_once);
      const Batch batch = LoadRange(experiment, split, begin, end);
      generator = start.WithRows({begin, end - begin, count});
      CopyOutputs(experiment, batch, experiment.Forward(batch, samples, generator, sharers), begin, count, outputs);
      if (progress) progress(static_cast<double>(end - mine.first) / static_cast<double>(mine.count));
    }
  };
  if (ranks && !by_samples) {  // whose parts may take different times
    AwaitAll(
        *ranks, experiment.device(), stop ? stop : [] { return false; }, compute);
    if (stop) stopped = OnAnyRank(stopped, *ranks, experiment.device());
  } else {
    compute([&] { return ranks ? OnAnyRank(stop(), *ranks, experiment.device()) : stop(); });
  }
  generator = generator.WithRows({});
  if (stopped) return std::nullopt;
  if (ranks) AddOutputs(*ranks, adds, outputs);
  const auto& [predictions, targets, scores] = outputs;
  Evaluation evaluation{.is_known = targets.defined(), .predictions = predictions, .scores = scores};
  if (!evaluation.is_known) return evaluation;
  evaluation.loss = LossOf(experiment, split, predictions, targets, at_once);
  evaluation.metrics = experiment.Measure(predictions, targets);
  evaluation.metric = evaluation.metrics.at(0).second;
  return evaluation;
}

void CheckFinite(const Evaluation& evaluation, Split split) {
  CheckScores(evaluation.scores, split);
  const std::string what = ": the model's outputs are not finite, or too large";
  if (evaluation.is_known)
    Check(std::isfinite(evaluation.loss) && !std::isinf(evaluation.metric), "the ", NameOf(split), " split's loss is ",
          evaluation.loss, " and its metric ", evaluation.metric, what);
  if (evaluation.is_known && !std::isnan(evaluation.metric)) return;
  for (const double value : evaluation.predictions.ToVector<double>())
    Check(std::isfinite(value), "a prediction is ", value, what);
}

EquivarianceError MeasureEquivariance(const Experiment& experiment, Split split, int64_t samples,
                                      Generator& generator) {
  NoGrad no_grad;
  const EvaluationPrecision precision(experiment);
  Model& model = experiment.model();
  if (!model.is_sampled()) samples = 1;
  const Features x = LoadRange(experiment, split, 0, ExamplesAtOnce(experiment, split, samples)).x;
  // Padding stays where it is: only the nodes of graphs of full size would be free to move among all places.
  const Element h = RandomElement(model.group(), x, generator);
  const Features hx = Act(h, x);
  const Noise noise = model.DrawNoise(x, samples, generator);
  const Variable hy = Act(h, {model.Forward(x, noise, generator).output, model.output_representation()});
  return {.exact = RelativeDistance(model.Forward(hx, model.Act(h, noise), generator).output, hy),
          .statistical = RelativeDistance(model(hx, samples, generator).output, hy)};
}

}  // namespace orbit
