// What `bench` times: single kernels, pieces of the models, and whole training steps.
#ifndef ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_
#define ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_

#include <vector>

#include "tools/benchmarks/benchmark_work.h"

namespace orbit {

// All benchmarks; a new one is an entry in the table of its kind.
std::vector<Benchmark> MakeBenchmarks();

}  // namespace orbit

#endif  // ORBIT_TOOLS_BENCHMARKS_BENCHMARKS_H_
