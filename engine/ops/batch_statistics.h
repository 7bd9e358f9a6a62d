// Statistics of batches, by which operations normalise (BatchNorm, VectorNeurons), and the running statistics that
// follow them.
#ifndef ORBIT_ENGINE_OPS_BATCH_STATISTICS_H_
#define ORBIT_ENGINE_OPS_BATCH_STATISTICS_H_

#include <utility>
#include <vector>

#include "engine/distributed/communicator.h"
#include "engine/tensor.h"
#include "kernels/batch_statistics.h"

namespace orbit {

// Running mean and unbiased variance [channels], updated with `momentum` as in PyTorch's BatchNorm1d. f32, f64.
struct RunningStatistics {
  Tensor mean, variance;
  double momentum = 0.1;
};

// The statistics that normalise a batch.
struct BatchStatistics {
  Tensor mean, variance;  // [channels], the variance biased
  Tensor count;  // f64 [1]: the number of rows; undefined for running statistics, through which no gradient flows
  Communicator* ranks = nullptr;  // among which the rows are divided; null: all are here

  // What a backward sums over the rows, completed by the sums over the rows of other ranks.
  void AddOtherRanks(const Tensor& sums) const {
    if (ranks) ranks->AllReduce(sums).Wait();
  }

  template <class T>
  kernels::BatchStatistics<T> data(double eps) const {
    return {mean.data<T>(), variance.data<T>(), T(eps), count.data_or_null<double>()};
  }
};

// The statistics, in `dtype`, of a batch with the moments f64 [3, channels] (kernels/batch_statistics.h). Also moves
// the running statistics towards them, at once or, inside a StatisticsCollector, with its Move.
BatchStatistics StatisticsOfBatch(const Tensor& moments, const RunningStatistics& running, DType dtype);
// The running statistics in `dtype`.
BatchStatistics StatisticsOfRunning(const RunningStatistics& running, DType dtype);

// While one is alive on this thread, the rows of batches are divided among the ranks of a communicator, which may have
// different numbers of them: the moments of the ranks are merged, in their order, on every rank. So every rank must
// have the same operations. The communicator must outlive the backward of what was computed.
class RowsDividedAmong {
 public:
  explicit RowsDividedAmong(Communicator* ranks);  // null or of a single rank: nothing is divided
  ~RowsDividedAmong();
  RowsDividedAmong(const RowsDividedAmong&) = delete;

  // The ranks in force on this thread, or null.
  static Communicator* Current();

 private:
  Communicator* outer_;
};

// Throws Error unless a batch of `rows` local rows can be normalised by its statistics: a variance takes two rows, and
// a divided batch may have some of them elsewhere.
void CheckRowsForStatistics(const char* operation, int64_t rows);

// While one is alive on this thread, running statistics do not change, and the moments of batches are kept, so that the
// micro-batches of an update count as one batch. Recomputations, and computations for their gradient alone, have a
// collector on which nobody calls Move.
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
