#include "tools/experiments/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "engine/distributed/share.h"
#include "engine/io/checkpoint_shards.h"
#include "engine/optim/adam.h"
#include "engine/optim/sgd.h"
#include "engine/optim/sharded.h"
#include "engine/profiling.h"
#include "kernels/parallel.h"
#include "tools/experiments/shared_directory.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

constexpr double kSecondsBetweenSaves = 300;
constexpr int64_t kLoadedAhead = 2;                  // micro-batches
constexpr char kValidationDue[] = "validation/due";  // a note of checkpoints of before their step's validation

// A double as text that reads back to the same bits.
std::string ToText(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%a", value);
  return text;
}

}  // namespace

void Trainer::AddKeys(ConfigSchema& schema) {
  schema.Int("train.epochs", 0, "passes over the training examples; 0: see train.steps", {.min = 0});
  schema.Int("train.steps", 0, "training steps; 0: see train.epochs", {.min = 0});
  schema.Int("train.batch", 100, "examples a step; an epoch's last, incomplete batch is dropped", {.min = 1});
  schema.Int("train.accumulate", 1, "micro-batches that a batch goes through the model in, one by one, for less memory",
             {.min = 1});
  schema.Int("train.samples", 10, "group elements an example", {.min = 1});
  schema.String("train.shard", "examples",
                "what several ranks divide: the examples of a batch, or the samples of every example",
                {"examples", "samples"});
  schema.Bool("train.shard_optimizer", false,
              "divide the optimiser's state among the ranks: the same bits for less memory and more traffic");
  schema.String("train.reduction", "f32",
                "what gradients are rounded to and sent as to other ranks; sums are f32 in any case", {"f32", "bf16"});
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
  schema.String("train.monitor", "loss",
                "what the best checkpoint is best in, in validation: the loss, or the metric that is reported",
                {"loss", "metric"});
  schema.Int("train.patience", 0,
             "validations in a row that may be no better than the best before training ends; 0: any number",
             {.min = 0});
  schema.Double("train.clip_norm", 0, "the largest norm of the gradient; 0: no clipping", {.min = 0});
  schema.Int("evaluation.every", 1, "epochs from one validation to the next", {.min = 1});
  schema.Int("evaluation.samples", 10, "group elements an example in validation", {.min = 1});
  schema.Int("evaluation.test_samples", 10, "group elements an example in the test", {.min = 1});
  schema.Int("log.every", 10, "steps from one line of metrics to the next", {.min = 1});
}

std::unique_ptr<optim::Optimizer> MakeOptimizer(const Config& config, std::vector<NamedVariable> parameters,
                                                const optim::RateFactor& rate_factor) {
  const std::string name = config.String("train.optimizer");
  const double weight_decay = config.Double("train.weight_decay");
  if (name == "sgd") {
    for (const NamedVariable& parameter : parameters)
      Check(!rate_factor || rate_factor(parameter) == 1,
            "train.optimizer: sgd has one learning rate for all parameters");
    return std::make_unique<optim::Sgd>(
        std::move(parameters),
        optim::SgdOptions{.momentum = config.Double("train.momentum"), .weight_decay = weight_decay});
  }
  return std::make_unique<optim::Adam>(
      std::move(parameters),
      optim::AdamOptions{.weight_decay = weight_decay, .decoupled = name == "adamw", .rate_factor = rate_factor});
}

bool Trainer::divides_optimizer() const { return ranks_.world() > 1 && config_.Bool("train.shard_optimizer"); }

std::unique_ptr<optim::Optimizer> Trainer::MakeOptimizerOfRanks() const {
  std::vector<NamedVariable> parameters = experiment_.model().NamedParameters();
  const auto make = [this](std::vector<NamedVariable> of) {
    return MakeOptimizer(config_, std::move(of), [&experiment = experiment_](const NamedVariable& parameter) {
      return experiment.RateFactor(parameter.name);
    });
  };
  if (!divides_optimizer()) return make(std::move(parameters));
  return std::make_unique<optim::Sharded>(std::move(parameters), ranks_, make);
}

Trainer::Trainer(const Config& config, Experiment& experiment, RunDirectory* run, Communicator& ranks)
    : config_(config),
      experiment_(experiment),
      run_(run),
      ranks_(ranks),
      seed_(config.Int("seed")),
      samples_(config.Int("train.samples")),
      accumulate_(config.Int("train.accumulate")),
      batches_(MakeGenerator(seed_, RandomUse::kShuffling), experiment.size(Split::kTrain), config.Int("train.batch")),
      optimizer_(MakeOptimizerOfRanks()),
      training_step_(MakeTrainingStep(false)),
      generator_(MakeGenerator(seed_, RandomUse::kTraining)) {
  steps_per_epoch_ = batches_.per_epoch();
  Check(steps_per_epoch_ >= 1, "train.batch: a batch of ", config.Int("train.batch"), " is more than the ",
        experiment.size(Split::kTrain), " training examples");
  Check(accumulate_ <= config.Int("train.batch"), "train.accumulate: ", accumulate_, " micro-batches of a batch of ",
        config.Int("train.batch"));
  const bool by_samples = config.String("train.shard") == "samples";
  const int64_t sharers = by_samples ? 1 : ranks.world();
  Check(accumulate_ * sharers <= config.Int("train.batch"), "train.batch: ", config.Int("train.batch"), " examples in ",
        accumulate_, " micro-batches for ", sharers, " ranks; train.shard=samples divides samples instead");
  Check(!by_samples || ranks.world() == 1 || experiment.model().is_sampled(),
        "train.shard: the model has no samples to divide");
  Check(!by_samples || samples_ >= ranks.world(), "train.samples: ", samples_, " samples for ", ranks.world(),
        " ranks; train.shard=examples divides examples instead");
  const int64_t epochs = config.Int("train.epochs"), steps = config.Int("train.steps");
  Check((epochs > 0) != (steps > 0), "set either train.epochs or train.steps, and the other one to 0; they are ",
        epochs, " and ", steps);
  total_steps_ = steps > 0 ? steps : epochs * steps_per_epoch_;
  schedule_ = {.decay = optim::ParseDecay(config.String("train.schedule")),
               .warmup_steps = std::llround(config.Double("train.warmup") * static_cast<double>(total_steps_)),
               .total_steps = total_steps_,
               .final_factor = config.Double("train.final_factor"),
               .power = config.Double("train.power")};
  schedule_.Factor(0);  // throws for invalid settings
  const auto warn = [this](const std::string& warning) {
    if (run_)
      run_->log().warn("{}", warning);
    else
      std::fprintf(stderr, "%s: %s\n", ranks_.Describe().c_str(), warning.c_str());
  };
  if (run_ || divides_optimizer())
    writer_.emplace(warn, io::CheckpointWriterOptions{.beside = ranks.world() > 1 || kernels::NumThreads() > 1,
                                                      .rank = ranks.rank()});
}

Division Trainer::division() const {
  return {.ranks = &ranks_, .by_samples = config_.String("train.shard") == "samples"};
}

std::unique_ptr<TrainingStep> Trainer::MakeTrainingStep(bool capture) {
  const auto forward = [this](const std::vector<Tensor>& inputs, const Span& rows, Generator& generator) {
    const LoadedBatch loaded =
        loaded_
            ? loaded_->Next()
            : LoadedBatch{.batch = experiment_.Load(Split::kTrain, inputs[0].Rows(rows.first, rows.first + rows.count)),
                          .whole = {.examples = rows.total, .counts = experiment_.Counts(Split::kTrain, inputs[0])},
                          .copied = nullptr};
    if (loaded.copied) loaded.copied->HoldKernels();
    return experiment_.TrainingLoss(loaded.batch.To(experiment_.device()), loaded.whole, samples_, generator,
                                    division().by_samples && !repeating_alone_ ? &ranks_ : nullptr);
  };
  const auto requests = [this] {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_;
    const bool save = run_ && since.count() > kSecondsBetweenSaves;
    return std::vector<double>{stop_asked_ ? 1.0 : 0.0, save ? 1.0 : 0.0};
  };
  return std::make_unique<TrainingStep>(
      *optimizer_, forward,
      TrainingStepOptions{.accumulate = accumulate_,
                          .clip_norm = config_.Double("train.clip_norm"),
                          .capture = capture,
                          .ranks = &ranks_,
                          .divide_rows = !division().by_samples,
                          .reduction = {.bf16 = config_.String("train.reduction") == "bf16"},
                          .requests = requests});
}

std::unique_ptr<Prefetch<Trainer::LoadedBatch>> Trainer::LoadAhead() const {
  if (experiment_.has_static_steps()) return nullptr;
  const auto uploads = std::make_shared<Uploads>(experiment_.device());
  const auto load = [this, uploads, batches = batches_](int64_t item) mutable {
    const Tensor examples = batches(item / accumulate_);
    const Span rows = training_step_->RowsOf(examples.dim(0), item % accumulate_);
    const Batch batch = experiment_.Load(Split::kTrain, examples.Rows(rows.first, rows.first + rows.count));
    return LoadedBatch{.batch = batch.Copied([&](const Tensor& tensor) { return uploads->Copy(tensor); }),
                       .whole = {.examples = rows.total, .counts = experiment_.Counts(Split::kTrain, examples)},
                       .copied = uploads->Record()};
  };
  return std::make_unique<Prefetch<LoadedBatch>>(load, step_ * accumulate_, total_steps_ * accumulate_,
                                                 kernels::NumThreads() > 1 ? kLoadedAhead : 0);
}

void Trainer::CaptureSteps() {
  Check(CanCapture(experiment_.device()), "steps on ", NameOf(experiment_.device()),
        " cannot be captured: that is for GPUs");
  Check(experiment_.has_static_steps(), "the steps of task ", config_.String("task"),
        " cannot be captured: their shapes differ");
  training_step_ = MakeTrainingStep(true);
}

double Trainer::SecondsPerStep(double seconds) {
  constexpr int64_t kWarmUp = 4;  // steps are captured in the third
  experiment_.model().Train();
  loaded_ = LoadAhead();
  const size_t behind = experiment_.device() == Device{} ? 0 : 1;
  const auto forget = [&](size_t most) {
    for (; pending_.size() > most; pending_.pop_front()) pending_.front().numbers.Get();
  };
  const auto run = [&](int64_t steps) {
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < steps; ++i) {
      Step();
      forget(behind);
    }
    forget(0);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  run(kWarmUp);
  int64_t steps = 1;
  for (;; steps *= 2)
    if (const double taken = run(steps); taken >= seconds) return taken / static_cast<double>(steps);
}

void Trainer::Restore(const io::Checkpoint& checkpoint) {
  experiment_.model().LoadStateDict(checkpoint.model);
  optimizer_->LoadState(checkpoint.optimizer);
  step_ = checkpoint.step;
  best_ = checkpoint.best_validation;
  not_better_ = 0;
  validation_due_ = checkpoint.notes.contains(kValidationDue);
  generator_ = checkpoint.generators.at("training");
  summed_ = 0;
  sums_.clear();
  for (const auto& [name, value] : checkpoint.notes) {
    if (name == "monitor/not_better")
      not_better_ = std::stoll(value);
    else if (name == "logged/steps")
      summed_ = std::stoll(value);
    else if (name.starts_with("logged/sum/"))
      sums_[name.substr(11)] = std::stod(value);
  }
  Check(step_ <= total_steps_, "the checkpoint is of step ", step_, ", beyond the ", total_steps_,
        " steps of this run; raise train.steps or train.epochs");
}

bool Trainer::Run(const Request& stop, const std::function<void()>& after_step) {
  const int64_t validate_every = config_.Int("evaluation.every") * steps_per_epoch_;
  // A GPU is given the next step while it computes; the host is one behind in reading what came of it.
  const size_t behind = experiment_.device() == Device{} ? 0 : 1;
  std::optional<Progress> progress;
  if (run_) progress.emplace("training", total_steps_, step_);
  const auto show = [&] {
    if (run_) progress->Update(step_, run_->Summary());
  };
  const auto save = [&](bool better) {
    Take(0);
    Save(better);
    saved_ = std::chrono::steady_clock::now();
    save_due_ = false;
  };
  const auto validate = [&] {
    Take(0);
    const bool better = Validate(stop);
    if (validation_due_) return;
    save(better);
    show();
  };
  const auto profile = [&](int64_t step, void (*start_or_stop)()) {
    if (step != step_ + 1) return;
    Take(0);
    start_or_stop();
  };
  FindFiles();
  experiment_.model().Train();
  loaded_ = LoadAhead();
  saved_ = std::chrono::steady_clock::now();
  stop_asked_ = stopping_ = save_due_ = false;
  if (validation_due_) validate();
  while (step_ < total_steps_ && !is_out_of_patience() && !stopping_) {
    profile(profiled_.first, StartProfiler);
    Step();
    profile(profiled_.second + 1, StopProfiler);
    Take(behind);
    show();
    validation_due_ = step_ % validate_every == 0 || step_ == total_steps_;
    if (validation_due_)
      validate();
    else if (save_due_)
      save(false);
    if (after_step && !stopping_) after_step();
    stop_asked_ = stop();
    if (ranks_.world() == 1) stopping_ = stopping_ || stop_asked_;
  }
  const bool finished = !validation_due_ && (step_ == total_steps_ || is_out_of_patience());
  if (!finished) save(false);
  AwaitWriters([](io::CheckpointWriter& writer) { writer.Finish(); });
  if (run_ && is_out_of_patience())
    run_->log().info("validation has not been better {} times in a row: training ends after step {} of {}", not_better_,
                     step_, total_steps_);
  LogCommunication();
  return finished;
}

bool Trainer::is_out_of_patience() const {
  const int64_t patience = config_.Int("train.patience");
  return patience > 0 && not_better_ >= patience;
}

void Trainer::Step() {
  const ProfileRange range("step");
  const Generator before = generator_;
  const Tensor examples = [&] {
    const ProfileRange range("data");
    return batches_(step_);
  }();
  ranks_.SetContext("step " + std::to_string(step_ + 1) + " of " + std::to_string(total_steps_));
  const double learning_rate = config_.Double("train.learning_rate") * schedule_.Factor(step_);
  const int64_t captured = training_step_->captured_size();
  PendingNumbers numbers = training_step_->Run({examples}, learning_rate, generator_);
  pending_.push_back({++step_, learning_rate, before, examples, std::move(numbers)});
  if (run_ && training_step_->captured_size() != captured)
    run_->log().info("from step {} on a step is one launch of {} kernels, fills and copies", step_,
                     training_step_->captured_size());
}

void Trainer::Take(size_t most) {
  const int64_t log_every = config_.Int("log.every");
  for (; pending_.size() > most; pending_.pop_front()) {
    const Pending& pending = pending_.front();
    const StepNumbers numbers = pending.numbers.Get();
    stopping_ = stopping_ || numbers.requests[0] > 0;
    save_due_ = save_due_ || numbers.requests[1] > 0;
    if (!std::isfinite(numbers.loss)) ExplainNonFinite("the loss is " + std::to_string(numbers.loss), pending);
    if (!std::isfinite(numbers.gradient_norm)) {
      // A step behind, gradients may be those of the next one.
      const std::string name = optim::FirstNonFiniteGradient(optimizer_->parameters());
      ExplainNonFinite((name.empty() ? "a gradient" : "the gradient of " + name) + " is not finite", pending);
    }
    ++summed_;
    sums_["train/loss"] += numbers.loss;
    if (numbers.parts.size() > 1)
      for (const auto& [name, value] : numbers.parts) sums_["train/" + name] += value;
    sums_["train/gradient_norm"] += numbers.gradient_norm;
    sums_["train/learning_rate"] += pending.learning_rate;
    if (pending.step % log_every == 0 || pending.step == total_steps_) Log(pending.step);
  }
}

void Trainer::ExplainNonFinite(const std::string& what, const Pending& pending) {
  Fail("step ", pending.step, " of ", total_steps_, ": ", what, "; ", FindNonFinite(pending),
       ". The checkpoints are of before; a smaller train.learning_rate or a train.clip_norm may help");
}

std::string Trainer::FindNonFinite(const Pending& pending) {
  std::string where;
  SetAnomalyDetection(true);
  try {
    loaded_.reset();
    repeating_alone_ = true;
    Generator again = pending.generator;
    training_step_->Gradients({pending.examples}, again, /*local=*/true);
  } catch (const Error& error) {
    where = std::string("it first appeared here: ") + error.what();
    if (ranks_.world() > 1) where = "on " + ranks_.Describe() + " " + where;
  }
  repeating_alone_ = false;
  SetAnomalyDetection(false);
  // The first rank that has found it tells the others.
  const Tensor finder =
      Tensor::Full({}, where.empty() ? ranks_.world() : ranks_.rank(), DType::kI64, experiment_.device());
  ranks_.AllReduce(finder, ReduceOp::kMin).Wait();
  const auto first = static_cast<int>(finder.Item());
  if (first == ranks_.world()) return "where it came from could not be repeated";
  return ShareText(where, first, ranks_, experiment_.device());
}

void Trainer::Log(int64_t step) {
  Metrics metrics;
  for (const auto& [name, sum] : sums_) metrics.emplace_back(name, sum / static_cast<double>(summed_));
  sums_.clear();
  summed_ = 0;
  if (run_) run_->Log(step, metrics);
}

void Trainer::LogCommunication() const {
  const CommunicationStatistics statistics = ranks_.statistics();
  if (!run_ || ranks_.world() == 1 || statistics.seconds_busy == 0) return;
  const std::optional<double> hidden = statistics.hidden_share();
  run_->log().info(
      "communication: {} operations, {:.1f} MB sent, {:.2f} s{}", statistics.operations,
      static_cast<double>(statistics.bytes_sent) / 1e6, statistics.seconds_busy,
      hidden ? ", " + std::to_string(std::lround(100 * *hidden)) + " % of them hidden behind computation" : "");
}

bool Trainer::Validate(const Request& stop) {
  if (experiment_.size(Split::kValid) == 0) validation_due_ = false;
  if (!validation_due_ || stopping_) return false;
  experiment_.model().Eval();
  Generator generator = MakeGenerator(seed_, RandomUse::kValidation);
  ranks_.SetContext("validation after step " + std::to_string(step_));
  const std::optional<Evaluation> evaluation =
      EvaluateUntil(stop, experiment_, Split::kValid, config_.Int("evaluation.samples"), generator, {}, division());
  experiment_.model().Train();
  if (!evaluation) {
    stopping_ = true;
    return false;
  }
  validation_due_ = false;
  Metrics metrics = {{"valid/loss", evaluation->loss}};
  for (const auto& [name, value] : evaluation->metrics) metrics.emplace_back("valid/" + name, value);
  if (run_) run_->Log(step_, metrics);
  const bool of_metric = config_.String("train.monitor") == "metric";
  // Rank 0's, so that none of the others, with another rounding, decides otherwise.
  const Tensor monitored =
      Tensor::Full({}, of_metric ? evaluation->metric : evaluation->loss, DType::kF64, experiment_.device());
  ranks_.Broadcast(monitored, 0).Wait();
  const double value = monitored.Item();
  const double sign = of_metric && experiment_.more_is_better() ? -1 : 1;
  ++not_better_;
  if (!std::isfinite(value) || (best_ && sign * value >= sign * *best_)) return false;
  best_ = value;
  not_better_ = 0;
  return true;
}

void Trainer::FindFiles() {
  if (run_) files_ = *run_;
  if (!divides_optimizer()) return;
  ranks_.SetContext("looking for the run's directory");
  const SharedDirectory shared = ShareDirectory(run_ ? run_->path().string() : "", ranks_, experiment_.device());
  if (!run_) files_ = RunFiles::Find(shared.path);
  job_ = shared.token;
}

void Trainer::Save(bool better) {
  ranks_.SetContext("saving after step " + std::to_string(step_));
  if (!files_) return;
  if (divides_optimizer()) AwaitWriters([](io::CheckpointWriter& writer) { writer.Await(); });
  const auto write = [&](const std::string& file) {
    io::Checkpoint checkpoint = MakeCheckpoint();
    if (divides_optimizer()) checkpoint.shards = {.set = io::NameShards(file, job_, step_), .world = ranks_.world()};
    writer_->Write(file, std::move(checkpoint));
  };
  if (better) write(files_->best());
  write(files_->last());
}

io::Checkpoint Trainer::MakeCheckpoint() const {
  io::Checkpoint checkpoint{.optimizer = optimizer_->State(), .step = step_};
  if (!run_) return checkpoint;
  checkpoint.model = experiment_.model().StateDict();
  checkpoint.epoch = step_ / steps_per_epoch_;
  checkpoint.best_validation = best_;
  checkpoint.generators = {{"training", generator_}};
  checkpoint.notes = {{"config", config_.ToYaml()},
                      {"logged/steps", std::to_string(summed_)},
                      {"monitor/not_better", std::to_string(not_better_)}};
  for (const auto& [name, sum] : sums_) checkpoint.notes["logged/sum/" + name] = ToText(sum);
  checkpoint.notes.insert(notes_.begin(), notes_.end());
  if (validation_due_) checkpoint.notes[kValidationDue] = "true";
  return checkpoint;
}

void Trainer::AwaitWriters(const std::function<void(io::CheckpointWriter&)>& wait) {
  for (const bool first : {false, true})
    AwaitAll(ranks_, experiment_.device(), [&] {
      if (writer_ && (run_ != nullptr) == first) wait(*writer_);
    });
}

}  // namespace orbit
