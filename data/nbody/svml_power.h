// x^(3/2) with the rounding of NumPy's power() on processors with AVX-512.
#ifndef ORBIT_DATA_NBODY_SVML_POWER_H_
#define ORBIT_DATA_NBODY_SVML_POWER_H_

#include <cstdint>

namespace orbit {

// x[i] <- x[i]^(3/2), right to one unit in the last place, and in all but a few of a thousand million cases the very
// bits that NumPy's power() gives where it runs Intel's short vector math library (SVML, double precision, "la"
// accuracy) on AVX-512. (SVML starts from an approximate reciprocal, rounded to 5 bits; here it is the exact one, which
// at the ties may round to the other side.) The published particle trajectories were made so, and many of them are
// chaotic: a last bit that differs in a power grows to the size of the box. The same bits on every processor, with
// fused multiply-add in hardware or without.
// Numbers that are not positive, normal and below 1e200 get std::pow's result.
void PowerThreeHalves(double* x, int64_t count);

}  // namespace orbit

#endif  // ORBIT_DATA_NBODY_SVML_POWER_H_
