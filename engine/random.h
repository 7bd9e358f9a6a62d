// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011), from Random123.
//
// A number is a function of the key (seed), the stream and the index alone. A Generator knows which rows and samples of
// the global batch it serves and takes their indices, so that a run is the same on any device, with any number of
// threads, and however a batch is cut into chunks, micro-batches or ranks. Streams keep uses apart.
#ifndef ORBIT_ENGINE_RANDOM_H_
#define ORBIT_ENGINE_RANDOM_H_

#include <cstdint>

#include "engine/tensor.h"
#include "kernels/random.h"

namespace orbit {

// [first, first + count) of `total`; of what is not divided where total is 0.
struct Span {
  int64_t first = 0, count = 0, total = 0;
};

// A position in the sequence of all random numbers of a seed. Every draw takes a stream of its own and moves on, so a
// Generator is the whole random state of a run: two integers.
class Generator {
 public:
  explicit Generator(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  // One whose streams are counted from a number that is read when they are drawn: `base`, i64 [1], on the device that
  // draws, alone. For work that is captured (engine/step_graph.h).
  Generator(uint64_t seed, Tensor base);

  // The same position, for these rows of the global batch, or these samples of each of its rows: what is drawn then is
  // [rows, samples, ...] or, folded, [rows * samples, ...], with the numbers that a draw for the whole batch and all
  // samples has there. Where samples are not divided, tensors of [rows, ...] and [rows * any, ...] are drawn as well.
  // Throw Error for what is no part of the total; so do draws of a shape that does not fit.
  Generator WithRows(const Span& rows) const;
  Generator WithSamples(const Span& samples) const;  // of a generator with rows

  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }
  void Skip(uint64_t streams) { stream_ += streams; }

  Tensor Uniform(const Shape& shape, double low, double high, DType dtype = DType::kF32,
                 Device device = {});  // [low, high)
  Tensor Normal(const Shape& shape, double mean, double deviation, DType dtype = DType::kF32, Device device = {});
  // What all rows and samples share: one draw of the same stream, the same for every part of a batch.
  Tensor UniformShared(const Shape& shape, double low, double high, DType dtype = DType::kF32, Device device = {});

  // For kernels on `device`, and no longer than the base lives.
  kernels::RandomStream NextStream(Device device);
  // The numbers of a stream that a tensor of this shape takes.
  kernels::StreamSlice SliceOf(const Shape& shape) const;

 private:
  uint64_t seed_;
  uint64_t stream_;
  Tensor base_;
  Span rows_, samples_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_RANDOM_H_
