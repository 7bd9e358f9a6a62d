// Statistics of a batch whose rows may be divided among blocks, micro-batches or ranks. The moments of columns are f64
// [3, channels]: the number of rows, their mean, and the sum of squared deviations from it. The moments of parts of the
// rows can be merged into those of all rows.
#ifndef ORBIT_KERNELS_BATCH_STATISTICS_H_
#define ORBIT_KERNELS_BATCH_STATISTICS_H_

#include <cstdint>

namespace orbit::kernels {

// Moments of one column.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  // By Chan, Golub and LeVeque (1983).
  constexpr void Merge(const Moments& other) {
    const double total = count + other.count;
    if (total == 0) return;
    const double distance = other.mean - mean;
    mean += distance * (other.count / total);
    squares += other.squares + distance * distance * (count * other.count / total);
    count = total;
  }
};

// Merges column c of moments [parts, 3, channels], in order.
constexpr Moments MergedMoments(int64_t parts, int64_t channels, const double* moments, int64_t c) {
  Moments merged;
  for (int64_t part = 0; part < parts; ++part) {
    const double* of_part = moments + part * 3 * channels + c;
    merged.Merge({of_part[0], of_part[channels], of_part[2 * channels]});
  }
  return merged;
}

// The statistics that normalise a batch: arrays [channels] and one count, in device memory.
template <class T>
struct BatchStatistics {
  const T* mean;
  const T* variance;    // biased
  T eps;                // is added to the variance
  const double* count;  // number of rows; null for running statistics, through which no gradient flows
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_BATCH_STATISTICS_H_
