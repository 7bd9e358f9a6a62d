// Benchmarks of single operations, by what they are for.
#ifndef ORBIT_TOOLS_BENCHMARKS_OPERATIONS_H_
#define ORBIT_TOOLS_BENCHMARKS_OPERATIONS_H_

#include <vector>

#include "tools/benchmarks/benchmark_work.h"

namespace orbit {

// What is around layers: normalization, activations, losses, the optimiser.
std::vector<Benchmark> AroundLayers();
// Elementwise functions, and sums and exchanges of axes.
std::vector<Benchmark> OfElementsAndAxes();
// Parts of tensors, rows in any order, and random numbers.
std::vector<Benchmark> OfIndexingAndRandomNumbers();

}  // namespace orbit

#endif  // ORBIT_TOOLS_BENCHMARKS_OPERATIONS_H_
