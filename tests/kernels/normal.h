// Numbers to test kernels with.
#ifndef ORBIT_TESTS_KERNELS_NORMAL_H_
#define ORBIT_TESTS_KERNELS_NORMAL_H_

#include <cstdint>
#include <random>
#include <vector>

namespace orbit::kernels {

// `size` draws from N(0, 1), the same ones for the same seed.
template <class T>
std::vector<T> Normal(int64_t size, int seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> values(size);
  for (T& value : values) value = static_cast<T>(normal(random));
  return values;
}

}  // namespace orbit::kernels

#endif  // ORBIT_TESTS_KERNELS_NORMAL_H_
