// Accuracy of classes of nodes, every class counting the same however rare it is.
#ifndef ORBIT_TOOLS_METRICS_CLASS_ACCURACY_H_
#define ORBIT_TOOLS_METRICS_CLASS_ACCURACY_H_

#include "engine/tensor.h"

namespace orbit {

// The mean over the classes of the share of their nodes that are predicted right, in percent. `logits` are [examples,
// n, classes], f32; `targets` i64 [examples, n], negative where there is no node or its class is not known. It is
// computed for every `batch` examples in turn, the last of which may be fewer, and averaged over those. A class that is
// predicted in a batch without nodes of it counts as 0, one that does not occur at all is left out. So it is published
// for PATTERN, with batches of 128 (Dwivedi et al., Benchmarking Graph Neural Networks, 2020).
double ClassAccuracy(const Tensor& logits, const Tensor& targets, int64_t batch);

}  // namespace orbit

#endif  // ORBIT_TOOLS_METRICS_CLASS_ACCURACY_H_
