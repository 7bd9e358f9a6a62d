// What `bench` times: every kernel by itself, pieces of the models, whole training steps.
#ifndef ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_
#define ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_

#include <functional>
#include <string>
#include <vector>

#include "tools/benchmarks/benchmark_work.h"

namespace orbit {

struct Benchmark {
  std::string name, help;
  double bytes;                   // that must be moved at least, as the kernels' headers and comments tell
  double flops;                   // that must be done at least
  std::function<Work()> prepare;  // returns what is timed
};

// A new one is a line here.
std::vector<Benchmark> MakeBenchmarks();

}  // namespace orbit

#endif  // ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_
