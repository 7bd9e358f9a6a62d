// x^(3/2) with the rounding of NumPy's power() on processors with AVX-512.
#ifndef ORBIT_DATA_NBODY_SVML_POWER_H_
#define ORBIT_DATA_NBODY_SVML_POWER_H_

#include <cstdint>

namespace orbit {

// x[i] <- x[i]^(3/2), with an error of at most 1 ulp. In all but a few of 10^9 cases the bits are those of NumPy's
// power() where it uses Intel's short vector math library (SVML, double precision, "la" accuracy) on AVX-512. (SVML
// starts from an approximate reciprocal, rounded to 5 bits. This function uses the exact one, which may round
// differently at ties.) The published particle trajectories were made with it, and many of them are chaotic: a
// difference in the last bit of a power grows to the size of the box. The bits are the same on every processor, with or
// without hardware fused multiply-add. Numbers that are not positive, normal and below 1e200 get the result of
// std::pow.
void PowerThreeHalves(double* x, int64_t count);

}  // namespace orbit

#endif  // ORBIT_DATA_NBODY_SVML_POWER_H_
