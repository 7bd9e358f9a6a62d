// What `bench` times: single kernels, pieces of the models, and whole training steps.
#ifndef ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_
#define ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_

#include <functional>
#include <string>
#include <vector>

#include "tools/benchmarks/benchmark_work.h"

namespace orbit {

struct Benchmark {
  std::string name, help;
  double bytes;                            // minimum to be moved, by the kernels' headers and comments
  double flops;                            // minimum to be done
  std::function<BenchmarkWork()> prepare;  // returns the work to be timed
};

// All benchmarks; a new one is an entry in its table.
std::vector<Benchmark> MakeBenchmarks();

}  // namespace orbit

#endif  // ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_
