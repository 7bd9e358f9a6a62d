// The building blocks of benchmarks: data to compute on, and work that is repeated and timed.
#ifndef ORBIT_TOOLS_BENCHMARKS_BENCHMARK_WORK_H_
#define ORBIT_TOOLS_BENCHMARKS_BENCHMARK_WORK_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/nn/module.h"
#include "engine/random.h"
#include "engine/training/training_step.h"
#include "engine/variable.h"
#include "groups/element.h"

namespace orbit {

// The device that benchmarks run on.
Device& TheDevice();

using BenchmarkWork = std::function<void()>;

struct Benchmark {
  std::string name, help;
  double bytes;                            // minimum to be moved, by the kernels' headers and comments
  double flops;                            // minimum to be done
  std::function<BenchmarkWork()> prepare;  // returns the work to be timed
};

Tensor Normal(const Shape& shape);                                               // f32
inline Variable Parameter(const Shape& shape) { return {Normal(shape), true}; }  // requires a gradient
Tensor Counts(int64_t graphs, int64_t n);                                        // i32 [graphs], all equal to n
Tensor RandomRows(int64_t count, int64_t rows);                                  // i64 [count] in [0, rows)
// Graphs with 33 to n nodes and a twelfth of all possible edges; nodes have a label, 0 or 1, and their degree.
Features RandomGraphs(int64_t graphs, int64_t n);
// Graphs with a quarter of n to n nodes and this share of all possible edges; nodes have one of `labels` labels,
// one-hot.
Features RandomLabelledGraphs(int64_t graphs, int64_t n, double density, int64_t labels);

// `operation` without gradients.
BenchmarkWork Forward(std::function<Variable()> operation);
// Forward and backward of sum(y g) for y = operation() and a fixed g.
BenchmarkWork BothWays(std::vector<Variable> inputs, std::function<Variable()> operation);
// Steps of Adam that train a model by its loss on a batch of so many rows. Warm where they are captured.
BenchmarkWork TrainingOf(std::shared_ptr<nn::Module> model, int64_t rows, std::shared_ptr<Generator> generator,
                         std::function<std::vector<LossPart>(Generator&)> loss, TrainingStepOptions options);

}  // namespace orbit

#endif  // ORBIT_TOOLS_BENCHMARKS_BENCHMARK_WORK_H_
