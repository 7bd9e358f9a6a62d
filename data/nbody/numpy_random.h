// NumPy's legacy random numbers (numpy.random.RandomState), for data that was published as a seed.
#ifndef ORBIT_DATA_NBODY_NUMPY_RANDOM_H_
#define ORBIT_DATA_NBODY_NUMPY_RANDOM_H_

#include <cstdint>
#include <random>
#include <span>

namespace orbit {

// The numbers of RandomState(seed), bit for bit: MT19937 (Matsumoto and Nishimura 1998), 53-bit doubles, and normal
// numbers by Marsaglia's polar method.
class NumpyRandom {
 public:
  explicit NumpyRandom(uint32_t seed) : engine_(seed) {}

  // random_sample(): uniform in [0, 1).
  double Uniform();
  // randn(): N(0, 1). Normal numbers are made in pairs; the next call returns the second one.
  double Normal();
  // choice(values, p=probabilities): one of the values. The probabilities must sum to 1.
  double Choice(std::span<const double> values, std::span<const double> probabilities);

 private:
  std::mt19937 engine_;
  bool has_second_normal_ = false;
  double second_normal_ = 0;
};

}  // namespace orbit

#endif  // ORBIT_DATA_NBODY_NUMPY_RANDOM_H_
