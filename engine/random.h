// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011), from Random123.
//
// A number is a function of the key (seed), the stream and the index alone, so that a run is the same on any device,
// with any number of threads, and, indexed by global sample, on any number of ranks. Streams keep uses apart.
#ifndef ORBIT_ENGINE_RANDOM_H_
#define ORBIT_ENGINE_RANDOM_H_

#include <cstdint>

#include "engine/tensor.h"

namespace orbit {

// A position in the sequence of all random numbers of a seed. Every draw takes a stream of its own and moves on, so a
// Generator is the whole random state of a run: two integers.
class Generator {
 public:
  explicit Generator(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }
  uint64_t NextStream() { return stream_++; }

  // Element i is number `first + i` of the next stream: `first` is where this rank's samples start in the whole batch.
  Tensor Uniform(const Shape& shape, double low, double high, DType dtype = DType::kF32, Device device = {},
                 int64_t first = 0);  // [low, high)
  Tensor Normal(const Shape& shape, double mean, double deviation, DType dtype = DType::kF32, Device device = {},
                int64_t first = 0);

 private:
  uint64_t seed_;
  uint64_t stream_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_RANDOM_H_
