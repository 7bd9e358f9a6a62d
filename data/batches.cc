#include "data/batches.h"

#include <algorithm>
#include <numeric>

namespace orbit {

Tensor ShuffledBatches::operator()(int64_t step) {
  Check(batch_ >= 1 && per_epoch() >= 1, "batches of ", batch_, " from ", examples_, " examples");
  const int64_t epoch = step / per_epoch(), batch = step % per_epoch();
  if (epoch != epoch_) {
    Generator generator(first_.seed(), first_.stream() + static_cast<uint64_t>(epoch));
    const std::vector<double> keys = generator.Uniform({examples_}, 0, 1, DType::kF64).ToVector<double>();
    order_.resize(examples_);
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) { return keys[a] < keys[b]; });
    epoch_ = epoch;
  }
  const auto begin = order_.begin() + batch * batch_;
  return Tensor::From(std::vector<int64_t>(begin, begin + batch_), {batch_});
}

}  // namespace orbit
