// Initial values of parameters, as drawn by PyTorch's torch.nn.init. A weight has the shape [out, in, ...], as for
// Linear and convolutions; its fan-in is `in` times the kernel size and its fan-out `out` times the kernel size.
#ifndef ORBIT_ENGINE_NN_INIT_H_
#define ORBIT_ENGINE_NN_INIT_H_

#include "engine/random.h"
#include "engine/tensor.h"

namespace orbit::nn {

int64_t FanIn(const Shape& shape);  // both throw Error for fewer than 2 axes
int64_t FanOut(const Shape& shape);

// U(-b, b) with b = 1 / sqrt(fan_in): PyTorch's default for the weight and the bias of Linear and of convolutions.
Tensor FanInUniform(const Shape& shape, int64_t fan_in, Generator& generator);

// He et al. 2015: U(-b, b) with b = sqrt(6 / ((1 + slope^2) fan_in)), for a leaky ReLU of that slope.
Tensor KaimingUniform(const Shape& shape, double slope, Generator& generator);

// Glorot and Bengio 2010: U(-b, b) with b = gain sqrt(6 / (fan_in + fan_out)).
Tensor XavierUniform(const Shape& shape, double gain, Generator& generator);

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_INIT_H_
