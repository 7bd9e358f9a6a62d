// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011), as in Random123.
//
// A number depends only on the key (seed), the stream and the index. A Generator knows which rows and samples of the
// global batch it serves and uses their indices. So a run is the same on any device, with any number of threads, and
// however a batch is divided into chunks, micro-batches or ranks. Separate uses draw from separate streams.
#ifndef ORBIT_ENGINE_RANDOM_H_
#define ORBIT_ENGINE_RANDOM_H_

#include <cstdint>

#include "engine/tensor.h"
#include "kernels/random.h"

namespace orbit {

// The range [first, first + count) of `total`; total = 0 means that nothing is divided.
struct Span {
  int64_t first = 0, count = 0, total = 0;
};

// A position in the sequence of all random numbers of a seed. Every draw uses a stream of its own and advances the
// position, so a Generator is the whole random state of a run: two integers.
class Generator {
 public:
  explicit Generator(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  // A generator whose stream numbers are relative to `base`, i64 [1], which is read when the numbers are drawn, on the
  // device that draws. It serves captured work (engine/step_graph.h).
  Generator(uint64_t seed, Tensor base);

  // A generator at the same position that draws only for these rows of the global batch, or these samples of each of
  // its rows. Tensors are [rows, samples, ...] or, folded, [rows * samples, ...], and get the numbers that a draw for
  // the whole batch and all samples has there. If samples are not divided, [rows, ...] and [rows * any, ...] can be
  // drawn as well. Throws Error if the span is not part of its total; draws throw Error for shapes that do not fit.
  Generator WithRows(const Span& rows) const;
  Generator WithSamples(const Span& samples) const;  // requires rows

  const Span& rows() const { return rows_; }
  uint64_t seed() const { return seed_; }
  uint64_t stream() const { return stream_; }
  void Skip(uint64_t streams) { stream_ += streams; }

  Tensor Uniform(const Shape& shape, double low, double high, DType dtype = DType::kF32,
                 Device device = {});  // [low, high)
  Tensor Normal(const Shape& shape, double mean, double deviation, DType dtype = DType::kF32, Device device = {});
  // A draw that all rows and samples share: it uses one stream and is the same for every part of a batch.
  Tensor UniformShared(const Shape& shape, double low, double high, DType dtype = DType::kF32, Device device = {});

  // The next stream, for kernels on `device`. It must not be used after `base` is destroyed.
  kernels::RandomStream NextStream(Device device);
  // Which numbers of a stream a tensor of this shape gets.
  kernels::StreamSlice SliceOf(const Shape& shape) const;

 private:
  uint64_t seed_;
  uint64_t stream_;
  Tensor base_;
  Span rows_, samples_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_RANDOM_H_
