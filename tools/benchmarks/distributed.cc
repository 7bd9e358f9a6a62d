#include "tools/benchmarks/distributed.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/ops/loss.h"
#include "engine/ops/shape.h"
#include "engine/optim/adam.h"
#include "engine/training/training_step.h"
#include "kernels/error.h"
#include "models/graph_model.h"
#include "models/nbody_model.h"
#include "tools/benchmarks/benchmark_work.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

struct StepWork {
  std::shared_ptr<Model> model;
  std::function<std::vector<LossPart>(Generator&)> loss;
};

StepWork MakeWork(const std::string& name, int64_t rows, Generator& generator) {
  if (name == "mlp") {
    std::shared_ptr<Model> model = MakeGraphModel({}, generator);
    const Features x = RandomGraphs(rows, 64);
    const Tensor target = Tensor::Zeros({rows, 1}, DType::kF32, TheDevice());
    return {model, [=, model = model.get()](Generator& g) -> std::vector<LossPart> {
              const auto result = (*model)(x, 2, g);
              return {{"bce", BceWithLogitsLoss(result.output, target, Reduction::kSum), static_cast<double>(rows)},
                      {"entropy", result.entropy, static_cast<double>(rows), 0.1}};
            }};
  }
  Check(name == "egnn" || name == "transformer", "there is no model '", name, "'; there are egnn, transformer and mlp");
  std::shared_ptr<Model> model = MakeNBodyModel({.base = name}, generator);
  const ParticleBatch batch = {Normal({rows, 5, 3, 2}), Normal({rows, 5, 5, 2}), Normal({rows, 5, 3}),
                               name == "egnn" ? Normal({rows, 5, 1}) : Tensor()};
  const int64_t samples = name == "egnn" ? 1 : 5;
  return {model, [=, model = model.get()](Generator& g) -> std::vector<LossPart> {
            const auto result = (*model)(MakeParticleFeatures(batch), samples, g);
            const Variable output = Reshape(result.output, batch.target.shape());
            return {{"mse", MseLoss(output, batch.target, Reduction::kSum), static_cast<double>(batch.target.size())}};
          }};
}

double Median(std::vector<double> seconds) {
  std::nth_element(seconds.begin(), seconds.begin() + std::ssize(seconds) / 2, seconds.end());
  return seconds[seconds.size() / 2];
}

// The median of the seconds that `run` takes, while all ranks do it at the same time.
double Time(Communicator& ranks, int64_t repeats, const std::function<void()>& run) {
  std::vector<double> seconds;
  ranks.Barrier();
  for (int64_t i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    run();
    Synchronize(TheDevice());
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return Median(std::move(seconds));
}

ordered_json AllReduceLine(Communicator& ranks, int64_t bytes) {
  const Tensor x = Tensor::Zeros({bytes / 4}, DType::kF32, TheDevice());
  const auto run = [&] { ranks.AllReduce(x).Wait(); };
  for (int i = 0; i < 3; ++i) run();
  return {{"name", "all_reduce"}, {"ranks", ranks.world()}, {"bytes", bytes}, {"median_s", Time(ranks, 15, run)}};
}

ordered_json StepLine(Communicator& ranks, const DistributedBenchmarkOptions& options) {
  Generator generator(0);
  const StepWork work = MakeWork(options.model, options.rows, generator);
  work.model->To(TheDevice());
  optim::Adam optimizer(work.model->NamedParameters());
  const auto forward = [&](const std::vector<Tensor>&, const Span&, Generator& g) { return work.loss(g); };
  const auto time_steps = [&](TrainingStep& step, int64_t rows) {
    const Tensor all_rows = Tensor::Zeros({rows});
    // The numbers of a step are taken after the next one was started, as in training.
    std::optional<PendingNumbers> pending;
    const auto run = [&] {
      PendingNumbers numbers = step.Run({all_rows}, 1e-4, generator);
      if (pending) pending->Get();
      pending = std::move(numbers);
    };
    for (int i = 0; i < 3; ++i) run();  // the second one has the gradients in their order
    const CommunicationStatistics before = ranks.statistics();
    const double seconds = Time(ranks, options.steps, run);
    return std::pair(before, seconds);
  };
  double alone = 0;
  {
    TrainingStep step(optimizer, forward);
    alone = time_steps(step, options.rows).second;
  }
  TrainingStepOptions together;
  together.ranks = ranks.world() > 1 ? &ranks : nullptr;
  together.reduction.bucket_bytes = options.bucket_bytes;
  TrainingStep step(optimizer, forward, together);
  const auto [before, seconds] = time_steps(step, options.rows * ranks.world());
  const CommunicationStatistics after = ranks.statistics();

  int64_t gradient_bytes = 0;
  for (const NamedVariable& parameter : optimizer.parameters())
    if (const Tensor gradient = parameter.variable.grad(); gradient.defined()) gradient_bytes += gradient.bytes();
  const double steps = static_cast<double>(options.steps), n = ranks.world();
  const double busy = (after.seconds_busy - before.seconds_busy) / steps;
  ordered_json line = {{"name", "distributed_step"},
                       {"model", options.model},
                       {"ranks", ranks.world()},
                       {"rows_per_rank", options.rows},
                       {"median_s", seconds},
                       {"alone_s", alone},
                       {"gradient_bytes", gradient_bytes},
                       {"buckets", (gradient_bytes + options.bucket_bytes - 1) / options.bucket_bytes}};
  // The barrier before the steps is one more operation.
  line["operations"] = ranks.world() > 1 ? static_cast<double>(after.operations - before.operations - 1) / steps : 0;
  line["bytes_sent"] = static_cast<double>(after.bytes_sent - before.bytes_sent) / steps;
  line["ring_minimum_bytes"] = 2 * (n - 1) / n * static_cast<double>(gradient_bytes);
  line["communication_s"] = busy;
  const CommunicationStatistics of_steps = {.seconds_busy = after.seconds_busy - before.seconds_busy,
                                            .seconds_waiting = after.seconds_waiting - before.seconds_waiting,
                                            .host_waits = after.host_waits};
  if (const std::optional<double> hidden = of_steps.hidden_share()) {
    line["waiting_s"] = of_steps.seconds_waiting / steps;
    line["hidden_share"] = *hidden;
  }
  return line;
}

}  // namespace

void MeasureDistributed(Communicator& ranks, const DistributedBenchmarkOptions& options,
                        const std::function<void(const ordered_json&)>& print) {
  if (ranks.world() > 1)
    for (const int64_t bytes : {int64_t{1} << 10, int64_t{1} << 16, int64_t{1} << 20, int64_t{1} << 23})
      print(AllReduceLine(ranks, bytes));
  print(StepLine(ranks, options));
}

}  // namespace orbit
