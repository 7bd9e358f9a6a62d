// The order in which a training run visits its examples.
#ifndef ORBIT_DATA_BATCHES_H_
#define ORBIT_DATA_BATCHES_H_

#include <cstdint>
#include <vector>

#include "engine/random.h"

namespace orbit {

// Every epoch visits the examples in its own random order, which depends only on the seed and the epoch, so a run can
// start anywhere. An incomplete last batch is dropped.
class ShuffledBatches {
 public:
  // `first` has the seed and the stream of epoch 0; epoch e uses the stream e later.
  ShuffledBatches(Generator first, int64_t examples, int64_t batch)
      : first_(first), examples_(examples), batch_(batch) {}

  int64_t per_epoch() const { return examples_ / batch_; }
  // The numbers of the examples in batch `step`, counted across epochs: i64 [batch].
  Tensor operator()(int64_t step);

 private:
  Generator first_;
  int64_t examples_, batch_;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;  // of epoch_
};

}  // namespace orbit

#endif  // ORBIT_DATA_BATCHES_H_
