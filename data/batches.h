// The order in which a training run goes through its examples.
#ifndef ORBIT_DATA_BATCHES_H_
#define ORBIT_DATA_BATCHES_H_

#include <cstdint>
#include <vector>

#include "engine/random.h"

namespace orbit {

// Every epoch visits the examples in an order of its own, a function of the seed and the epoch alone: a run can start
// anywhere. The last batch is dropped where it would be incomplete.
class ShuffledBatches {
 public:
  // `first` gives the seed, and the stream of epoch 0; epoch e draws from the one e later.
  ShuffledBatches(Generator first, int64_t examples, int64_t batch)
      : first_(first), examples_(examples), batch_(batch) {}

  int64_t per_epoch() const { return examples_ / batch_; }
  // The numbers of the examples of batch number `step`, counted through all epochs: i64 [batch].
  Tensor operator()(int64_t step);

 private:
  Generator first_;
  int64_t examples_, batch_;
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;  // of that epoch
};

}  // namespace orbit

#endif  // ORBIT_DATA_BATCHES_H_
