#include "engine/ops/batch_statistics.h"

#include <algorithm>
#include <utility>

#include "engine/dispatch.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"
#include "kernels/batch_norm.h"

namespace orbit {
namespace {

thread_local StatisticsCollector* collector = nullptr;
thread_local Communicator* ranks = nullptr;

// Moves running statistics towards the moments of the parts, [parts * 3, channels], merged in order.
void Move(const RunningStatistics& running, const Tensor& moments) {
  const int64_t parts = moments.dim(0) / 3, channels = moments.dim(1);
  Dispatch("MoveStatistics", running.mean, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MoveStatistics(device, parts, channels, moments.data<double>(), T(running.momentum),
                            running.mean.data<T>(), running.variance.data<T>());
  });
}

// The moments of every rank, [ranks * 3, channels].
Tensor GatherMoments(const Tensor& moments) {
  if (!ranks) return moments;
  Tensor all = Tensor::Empty({ranks->world() * moments.dim(0), moments.dim(1)}, moments.dtype(), moments.device());
  ranks->AllGather(all, moments).Wait();
  return all;
}

}  // namespace

BatchStatistics StatisticsOfBatch(const Tensor& of_local_rows, const RunningStatistics& running, DType dtype) {
  const Tensor moments = GatherMoments(of_local_rows);
  const int64_t channels = moments.dim(1);
  Check(running.mean.shape() == Shape{channels} && running.variance.shape() == Shape{channels}, "running statistics ",
        running.mean.Describe(), " of a batch of ", channels, " channels");
  if (collector) {
    auto& all = collector->collected_;
    auto its = std::ranges::find_if(all, [&](const auto& x) { return x.first.mean.raw() == running.mean.raw(); });
    if (its == all.end()) its = all.insert(all.end(), {running, {}});
    its->second.push_back(moments);
  } else {
    Move(running, moments);
  }
  const BatchStatistics statistics = {Tensor::Empty({channels}, dtype, moments.device()),
                                      Tensor::Empty({channels}, dtype, moments.device()),
                                      Tensor::Empty({1}, DType::kF64, moments.device()), ranks};
  Dispatch("MergeMoments", statistics.mean, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::MergeMoments(device, moments.dim(0) / 3, channels, moments.data<double>(), statistics.mean.data<T>(),
                          statistics.variance.data<T>(), statistics.count.data<double>());
  });
  return statistics;
}

BatchStatistics StatisticsOfRunning(const RunningStatistics& running, DType dtype) {
  return {Cast(running.mean, dtype).value(), Cast(running.variance, dtype).value(), {}};
}

RowsDividedAmong::RowsDividedAmong(Communicator* communicator)
    : outer_(std::exchange(ranks, communicator && communicator->world() > 1 ? communicator : nullptr)) {}
RowsDividedAmong::~RowsDividedAmong() { ranks = outer_; }
Communicator* RowsDividedAmong::Current() { return ranks; }

void CheckRowsForStatistics(const char* operation, int64_t rows) {
  Check(rows > (ranks ? 0 : 1), operation, " in training of ", rows, " rows");
}

StatisticsCollector::StatisticsCollector() : outer_(std::exchange(collector, this)) {}
StatisticsCollector::~StatisticsCollector() { collector = outer_; }

void StatisticsCollector::Move() {
  for (const auto& [running, moments] : collected_) {
    const std::vector<Variable> parts(moments.begin(), moments.end());
    orbit::Move(running, parts.size() > 1 ? Concat(parts, 0).value() : moments[0]);
  }
  collected_.clear();
}

}  // namespace orbit
