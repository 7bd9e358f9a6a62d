// Statistics of batches, with which operations normalise (BatchNorm, VectorNeurons), and running statistics, which
// follow them.
#ifndef ORBIT_ENGINE_OPS_BATCH_STATISTICS_H_
#define ORBIT_ENGINE_OPS_BATCH_STATISTICS_H_

#include <utility>
#include <vector>

#include "engine/tensor.h"
#include "kernels/batch_statistics.h"

namespace orbit {

// As PyTorch's BatchNorm1d: mean and unbiased variance [channels], with momentum. f32, f64.
struct RunningStatistics {
  Tensor mean, variance;
  double momentum = 0.1;
};

// What a batch is normalised with.
struct BatchStatistics {
  Tensor mean, variance;  // [channels], the variance biased
  Tensor count;           // f64 [1]: of the rows; undefined for running statistics, which no gradient flows through

  template <class T>
  kernels::BatchStatistics<T> data(double eps) const {
    return {mean.data<T>(), variance.data<T>(), T(eps), count.defined() ? count.data<double>() : nullptr};
  }
};

// In `dtype`, from the moments of a batch, f64 [3, channels] (kernels/batch_statistics.h), towards which the running
// statistics move: at once, or with a StatisticsCollector's Move.
BatchStatistics StatisticsOfBatch(const Tensor& moments, const RunningStatistics& running, DType dtype);
// The running ones, in `dtype`.
BatchStatistics StatisticsOfRunning(const RunningStatistics& running, DType dtype);

// While one is alive on this thread, running statistics stay as they are, and the moments of batches are kept: those of
// an update's micro-batches are those of one batch. What is computed again, or for its gradient alone, has a collector
// that nobody moves.
class StatisticsCollector {
 public:
  StatisticsCollector();
  ~StatisticsCollector();
  StatisticsCollector(const StatisticsCollector&) = delete;

  // Moves every running statistic once, towards the moments of all its batches, merged in the order in which they came.
  void Move();

 private:
  friend BatchStatistics StatisticsOfBatch(const Tensor&, const RunningStatistics&, DType);

  std::vector<std::pair<RunningStatistics, std::vector<Tensor>>> collected_;
  StatisticsCollector* outer_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_BATCH_STATISTICS_H_
