#include "engine/nn/init.h"

#include <algorithm>
#include <cmath>

namespace orbit::nn {
namespace {

int64_t Fan(const Shape& shape, int axis) {
  Check(shape.size() >= 2, "a weight has at least 2 axes, not shape ", ToString(shape));
  int64_t fan = shape[axis];
  for (size_t i = 2; i < shape.size(); ++i) fan *= shape[i];
  return fan;
}

Tensor Symmetric(const Shape& shape, double bound, Generator& generator) {
  return generator.Uniform(shape, -bound, bound);
}

}  // namespace

int64_t FanIn(const Shape& shape) { return Fan(shape, 1); }
int64_t FanOut(const Shape& shape) { return Fan(shape, 0); }

Tensor FanInUniform(const Shape& shape, int64_t fan_in, Generator& generator) {
  return Symmetric(shape, 1 / std::sqrt(std::max<double>(1, fan_in)), generator);
}

Tensor KaimingUniform(const Shape& shape, double slope, Generator& generator) {
  return Symmetric(shape, std::sqrt(6 / ((1 + slope * slope) * FanIn(shape))), generator);
}

Tensor XavierUniform(const Shape& shape, double gain, Generator& generator) {
  return Symmetric(shape, gain * std::sqrt(6.0 / (FanIn(shape) + FanOut(shape))), generator);
}

}  // namespace orbit::nn
