// A training loss in parts that add up over micro-batches and ranks.
#ifndef ORBIT_ENGINE_TRAINING_LOSS_H_
#define ORBIT_ENGINE_TRAINING_LOSS_H_

#include <string>
#include <vector>

#include "engine/variable.h"

namespace orbit {

// One part of the loss of a whole batch, computed on some of its rows. `denominator` belongs to the whole batch, over
// all micro-batches and ranks, so it is known before the forward: the number of examples or of labelled elements, or
// the sum of class weights with counts from the whole batch. A mean of means would instead weight rows by the size of
// the micro-batch that they happen to be in.
struct LossPart {
  std::string name;    // for the log
  Variable sum;        // [], over these rows
  double denominator;  // > 0
  double weight = 1;   // in the loss; 0: only logged
};

// The sum over the parts of weight * sum / denominator: the contribution of these rows to the loss of the whole batch.
Variable Total(const std::vector<LossPart>& parts);

}  // namespace orbit

#endif  // ORBIT_ENGINE_TRAINING_LOSS_H_
