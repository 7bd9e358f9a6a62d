// What several ranks cost: single operations of a communicator, and training steps by data parallelism.
#ifndef ORBIT_TOOLS_BENCHMARKS_DISTRIBUTED_H_
#define ORBIT_TOOLS_BENCHMARKS_DISTRIBUTED_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/distributed/communicator.h"

namespace orbit {

struct DistributedBenchmarkOptions {
  std::string model = "egnn";  // whose steps are timed: egnn, transformer or mlp
  int64_t rows = 100;          // of every rank, however many there are
  int64_t steps = 10;
  int64_t bucket_bytes = int64_t{4} << 20;
};

// Called by all ranks; `print` gets a line for each size of an all-reduce, and one for the training step. Both begin
// with the numbers of ranks; times are medians, in seconds:
//   {"name": "all_reduce", "ranks": 2, "bytes": 4096, "median_s": ...}
//   {"name": "distributed_step", "model": ..., "ranks", "rows_per_rank",
//    "median_s", "alone_s": the step without communication while the other ranks do the same,
//    "gradient_bytes", "buckets", "operations": of the communicator in a step,
//    "bytes_sent", "ring_minimum_bytes": 2 (n - 1) / n of the gradient's,
//    "communication_s", "waiting_s", "hidden_share": of the communication's time, where the host knows}
void MeasureDistributed(Communicator& ranks, const DistributedBenchmarkOptions& options,
                        const std::function<void(const nlohmann::ordered_json&)>& print);

}  // namespace orbit

#endif  // ORBIT_TOOLS_BENCHMARKS_DISTRIBUTED_H_
