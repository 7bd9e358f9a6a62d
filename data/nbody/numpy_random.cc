#include "data/nbody/numpy_random.h"

#include <cmath>
#include <vector>

#include "kernels/error.h"

namespace orbit {

double NumpyRandom::Uniform() {
  const uint32_t high = engine_() >> 5, low = engine_() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double NumpyRandom::Normal() {
  if (has_second_normal_) {
    has_second_normal_ = false;
    return second_normal_;
  }
  double x, y, square;
  do {
    x = 2 * Uniform() - 1;
    y = 2 * Uniform() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  second_normal_ = factor * x;
  has_second_normal_ = true;
  return factor * y;
}

double NumpyRandom::Choice(std::span<const double> values, std::span<const double> probabilities) {
  Check(!values.empty() && values.size() == probabilities.size(), "a choice of ", values.size(), " values with ",
        probabilities.size(), " probabilities");
  double total = 0;
  for (const double p : probabilities) total += p;
  const double uniform = Uniform();
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += probabilities[i];
    if (uniform < sum / total) return values[i];
  }
  return values.back();
}

}  // namespace orbit
