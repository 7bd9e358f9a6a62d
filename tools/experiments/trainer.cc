#include "tools/experiments/trainer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "engine/optim/adam.h"
#include "engine/optim/sgd.h"
#include "engine/profiling.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

constexpr double kSecondsBetweenSaves = 300;

// Doubles as text that reads back to the same bits.
std::string ToText(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%a", value);
  return text;
}

}  // namespace

Generator MakeGenerator(int64_t seed, RandomUse use) {
  return Generator(static_cast<uint64_t>(seed), static_cast<uint64_t>(use) << 56);
}

void Trainer::AddKeys(ConfigSchema& schema) {
  schema.Int("train.epochs", 0, "passes over the training examples; 0: see train.steps", {.min = 0});
  schema.Int("train.steps", 0, "training steps; 0: see train.epochs", {.min = 0});
  schema.Int("train.batch", 100, "examples a step; an epoch's last, incomplete batch is dropped", {.min = 1});
  schema.Int("train.samples", 10, "group elements an example", {.min = 1});
  schema.String("train.optimizer", "adam", "the optimiser", {"adam", "adamw", "sgd"});
  schema.Double("train.learning_rate", 1e-3, "the largest learning rate", {.min = 0});
  schema.Double("train.weight_decay", 0, "l2 (adamw: decoupled)", {.min = 0});
  schema.Double("train.momentum", 0, "of sgd", {.min = 0, .max = 1});
  schema.String("train.schedule", "constant", "how the learning rate falls after the warm-up",
                {"constant", "linear", "cosine", "polynomial", "square_root", "one_cycle"});
  schema.Double("train.warmup", 0, "share of the steps in which the learning rate rises (one_cycle: 0 means 0.3)",
                {.min = 0, .max = 1});
  schema.Double("train.final_factor", 0, "of the learning rate, at the end of linear, cosine and polynomial",
                {.min = 0, .max = 1});
  schema.Double("train.power", 1, "of the polynomial schedule", {.min = 0});
  schema.Double("train.clip_norm", 0, "the largest norm of the gradient; 0: no clipping", {.min = 0});
  schema.Int("evaluation.every", 1, "epochs from one validation to the next", {.min = 1});
  schema.Int("evaluation.samples", 10, "group elements an example in validation", {.min = 1});
  schema.Int("evaluation.test_samples", 10, "group elements an example in the test", {.min = 1});
  schema.Int("log.every", 10, "steps from one line of metrics to the next", {.min = 1});
}

std::unique_ptr<optim::Optimizer> MakeOptimizer(const Config& config, std::vector<NamedVariable> parameters) {
  const std::string name = config.String("train.optimizer");
  const double weight_decay = config.Double("train.weight_decay");
  if (name == "sgd")
    return std::make_unique<optim::Sgd>(
        std::move(parameters),
        optim::SgdOptions{.momentum = config.Double("train.momentum"), .weight_decay = weight_decay});
  return std::make_unique<optim::Adam>(std::move(parameters),
                                       optim::AdamOptions{.weight_decay = weight_decay, .decoupled = name == "adamw"});
}

Trainer::Trainer(const Config& config, Task& task, RunDirectory& run)
    : config_(config),
      task_(task),
      run_(run),
      seed_(config.Int("seed")),
      samples_(config.Int("train.samples")),
      batches_(MakeGenerator(seed_, RandomUse::kShuffling), task.size(Split::kTrain), config.Int("train.batch")),
      clip_norm_(config.Double("train.clip_norm")),
      optimizer_(MakeOptimizer(config, task.model().NamedParameters())),
      device_(optimizer_->parameters()[0].variable.device()),
      work_(MakeWork(false)),
      generator_(MakeGenerator(seed_, RandomUse::kTraining)) {
  steps_per_epoch_ = batches_.per_epoch();
  Check(steps_per_epoch_ >= 1, "train.batch: a batch of ", config.Int("train.batch"), " is more than the ",
        task.size(Split::kTrain), " training examples");
  const int64_t epochs = config.Int("train.epochs"), steps = config.Int("train.steps");
  Check((epochs > 0) != (steps > 0), "set either train.epochs or train.steps, and the other one to 0; they are ",
        epochs, " and ", steps);
  total_steps_ = steps > 0 ? steps : epochs * steps_per_epoch_;
  schedule_ = {.decay = optim::ParseDecay(config.String("train.schedule")),
               .warmup_steps = std::llround(config.Double("train.warmup") * static_cast<double>(total_steps_)),
               .total_steps = total_steps_,
               .final_factor = config.Double("train.final_factor"),
               .power = config.Double("train.power")};
  schedule_.Factor(0);  // throws where it makes no sense
}

std::unique_ptr<StepGraph> Trainer::MakeWork(bool capture) {
  return std::make_unique<StepGraph>(device_, capture, [this](const std::vector<Tensor>& inputs, Generator& generator) {
    return Work(inputs, generator);
  });
}

void Trainer::CaptureSteps() {
  Check(CanCapture(device_), "steps on ", NameOf(device_), " cannot be captured: that is for GPUs");
  Check(task_.has_static_steps(), "the steps of task ", config_.String("task"),
        " cannot be captured: their shapes differ");
  work_ = MakeWork(true);
}

void Trainer::Restore(const io::Checkpoint& checkpoint) {
  task_.model().LoadStateDict(checkpoint.model);
  optimizer_->LoadState(checkpoint.optimizer);
  step_ = checkpoint.step;
  best_ = checkpoint.best_validation;
  generator_ = checkpoint.generators.at("training");
  summed_ = 0;
  sums_.clear();
  for (const auto& [name, value] : checkpoint.notes) {
    if (name == "logged/steps")
      summed_ = std::stoll(value);
    else if (name.starts_with("logged/sum/"))
      sums_[name.substr(11)] = std::stod(value);
  }
  Check(step_ <= total_steps_, "the checkpoint is of step ", step_, ", beyond the ", total_steps_,
        " steps of this run; raise train.steps or train.epochs");
}

bool Trainer::Run(const std::function<bool()>& stop) {
  const int64_t validate_every = config_.Int("evaluation.every") * steps_per_epoch_;
  // A GPU is given the next step while it computes; the host is one behind in reading what came of it.
  const size_t behind = device_ == Device{} ? 0 : 1;
  Progress progress("training", total_steps_, step_);
  auto saved = std::chrono::steady_clock::now();
  const auto save = [&] {
    Take(0);
    Save(run_.last());
    saved = std::chrono::steady_clock::now();
  };
  const auto profile = [&](int64_t step, void (*start_or_stop)()) {
    if (step != step_ + 1) return;
    Take(0);
    start_or_stop();
  };
  task_.model().Train();
  while (step_ < total_steps_) {
    profile(profiled_.first, StartProfiler);
    Step();
    profile(profiled_.second + 1, StopProfiler);
    Take(behind);
    progress.Update(step_, run_.Summary());
    if (step_ % validate_every == 0 || step_ == total_steps_) {
      Take(0);
      Validate();
      save();
      progress.Update(step_, run_.Summary());
    } else if (std::chrono::duration<double>(std::chrono::steady_clock::now() - saved).count() > kSecondsBetweenSaves) {
      save();
    }
    if (stop() && step_ < total_steps_) {
      save();
      return false;
    }
  }
  return true;
}

void Trainer::Step() {
  const ProfileRange range("step");
  const Generator before = generator_;
  const Tensor examples = [&] {
    const ProfileRange range("data");
    return batches_(step_);
  }();
  const double learning_rate = config_.Double("train.learning_rate") * schedule_.Factor(step_);
  const int64_t captured = work_->size();
  const std::vector<Tensor> numbers = work_->Run({examples, optimizer_->Rates(learning_rate)}, generator_);
  pending_.push_back({++step_, learning_rate, before, examples, Readback(numbers)});
  if (work_->size() != captured)
    run_.log().info("from step {} on a step is one launch of {} kernels, fills and copies", step_, work_->size());
}

std::vector<Tensor> Trainer::Work(const std::vector<Tensor>& inputs, Generator& generator) {
  optimizer_->ZeroGrad();
  const Task::Loss loss = [&] {
    const ProfileRange range("forward");
    return task_.TrainingLoss(inputs[0], samples_, generator);
  }();
  {
    const ProfileRange range("backward");
    loss.total.Backward();
  }
  const ProfileRange optimizer_range("optimizer");
  const Tensor squared_norm = optim::SquaredGradientNorm(optimizer_->parameters());
  optimizer_->Update(inputs[1], squared_norm, clip_norm_);
  parts_.clear();
  std::vector<Tensor> numbers = {loss.total.value(), squared_norm};
  for (const auto& [name, part] : loss.parts) {
    parts_.push_back("train/" + name);
    numbers.push_back(part.value());
  }
  return numbers;
}

void Trainer::Take(size_t most) {
  const int64_t log_every = config_.Int("log.every");
  for (; pending_.size() > most; pending_.pop_front()) {
    const Pending& pending = pending_.front();
    const std::vector<double> numbers = pending.numbers.Get();
    if (!std::isfinite(numbers[0])) ExplainNonFinite("the loss is " + std::to_string(numbers[0]), pending);
    if (!std::isfinite(numbers[1])) {
      // A step behind, gradients may be those of the next one.
      const std::string name = optim::FirstNonFiniteGradient(optimizer_->parameters());
      ExplainNonFinite((name.empty() ? "a gradient" : "the gradient of " + name) + " is not finite", pending);
    }
    ++summed_;
    sums_["train/loss"] += numbers[0];
    for (size_t i = 0; i < parts_.size(); ++i) sums_[parts_[i]] += numbers[2 + i];
    sums_["train/gradient_norm"] += std::sqrt(numbers[1]);
    sums_["train/learning_rate"] += pending.learning_rate;
    if (pending.step % log_every == 0 || pending.step == total_steps_) Log(pending.step);
  }
}

void Trainer::ExplainNonFinite(const std::string& what, const Pending& pending) {
  std::string where = "where it came from could not be repeated";
  SetAnomalyDetection(true);
  try {
    Generator again = pending.generator;
    task_.TrainingLoss(pending.examples, samples_, again).total.Backward();
  } catch (const Error& error) {
    where = std::string("it first appeared here: ") + error.what();
  }
  SetAnomalyDetection(false);
  Fail("step ", pending.step, " of ", total_steps_, ": ", what, "; ", where,
       ". The checkpoints are of before; a smaller train.learning_rate or a train.clip_norm may help");
}

void Trainer::Log(int64_t step) {
  Metrics metrics;
  for (const auto& [name, sum] : sums_) metrics.emplace_back(name, sum / static_cast<double>(summed_));
  sums_.clear();
  summed_ = 0;
  run_.Log(step, metrics);
}

void Trainer::Validate() {
  if (task_.size(Split::kValid) == 0) return;
  task_.model().Eval();
  Generator generator = MakeGenerator(seed_, RandomUse::kValidation);
  const Evaluation evaluation =
      task_.Evaluate(Split::kValid, config_.Int("evaluation.samples"), generator, [](double) {});
  task_.model().Train();
  Metrics metrics = {{"valid/loss", evaluation.loss}};
  if (task_.metric() != "loss") metrics.emplace_back("valid/" + task_.metric(), evaluation.metric);
  run_.Log(step_, metrics);
  if (!std::isfinite(evaluation.loss)) return;
  if (best_ && evaluation.loss >= *best_) return;
  best_ = evaluation.loss;
  Save(run_.best());
}

void Trainer::Save(const std::string& path) const {
  io::Checkpoint checkpoint{.model = task_.model().StateDict(),
                            .optimizer = optimizer_->State(),
                            .step = step_,
                            .epoch = step_ / steps_per_epoch_,
                            .best_validation = best_,
                            .generators = {{"training", generator_}},
                            .notes = {{"config", config_.ToYaml()}, {"logged/steps", std::to_string(summed_)}}};
  for (const auto& [name, sum] : sums_) checkpoint.notes["logged/sum/" + name] = ToText(sum);
  io::SaveCheckpoint(path, checkpoint);
}

}  // namespace orbit
