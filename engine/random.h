// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011), from Random123.
//
// A number is a function of the key (seed), the stream and the index alone, so that a run is the same on any device,
// with any number of threads, and, indexed by global sample, on any number of ranks. Streams keep uses apart.
#ifndef ORBIT_ENGINE_RANDOM_H_
#define ORBIT_ENGINE_RANDOM_H_

#include <cstdint>

#include "engine/tensor.h"
#include "kernels/random.h"

namespace orbit {

// A position in the sequence of all random numbers of a seed. Every draw takes a stream of its own and moves on, so a
// Generator is the whole random state of a run: two integers.
class Generator {
 public:
  explicit Generator(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  // One whose streams are counted from a number that is read when they are drawn: `base`, i64 [1], on the device that
  // draws, alone. For work that is captured (engine/step_graph.h).
  Generator(uint64_t seed, Tensor base);

  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }
  // For kernels on `device`, and no longer than the base lives.
  kernels::RandomStream NextStream(Device device);
  void Skip(uint64_t streams) { stream_ += streams; }

  // Element i is number `first + i` of the next stream: `first` is where this rank's samples start in the whole batch.
  Tensor Uniform(const Shape& shape, double low, double high, DType dtype = DType::kF32, Device device = {},
                 int64_t first = 0);  // [low, high)
  Tensor Normal(const Shape& shape, double mean, double deviation, DType dtype = DType::kF32, Device device = {},
                int64_t first = 0);

 private:
  uint64_t seed_;
  uint64_t stream_;
  Tensor base_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_RANDOM_H_
