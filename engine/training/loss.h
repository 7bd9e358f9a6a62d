// A training loss in parts that add up over micro-batches and ranks.
#ifndef ORBIT_ENGINE_TRAINING_LOSS_H_
#define ORBIT_ENGINE_TRAINING_LOSS_H_

#include <string>
#include <vector>

#include "engine/variable.h"

namespace orbit {

// A part of the loss of a whole batch, as far as some of its rows are concerned. `denominator` is that of the whole
// batch, over all micro-batches and ranks, and so known before the forward: the number of examples, of labelled
// elements, or the sum of the weights of classes whose counts are those of the whole batch. A mean of means would weigh
// rows by the size of the part they are in.
struct LossPart {
  std::string name;    // as it is logged
  Variable sum;        // [], over the rows
  double denominator;  // > 0
  double weight = 1;   // in the loss; 0: logged alone
};

// The sum of weight * sum / denominator over the parts: of the loss of the whole batch, what these rows contribute.
Variable Total(const std::vector<LossPart>& parts);

}  // namespace orbit

#endif  // ORBIT_ENGINE_TRAINING_LOSS_H_
