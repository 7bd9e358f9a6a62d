// How well scores rank the examples that have a label before those that do not.
//
// `scores` are [examples, labels], any numbers that rise with the chance of the label; `targets`, of the same shape,
// are 1 or 0, or NaN where they are not known: these are left out. The result is the mean over the labels that some
// known examples have and others do not, and NaN if there is no such label. That is how the Open Graph Benchmark
// counts.
#ifndef ORBIT_TOOLS_METRICS_RANKED_LABELS_H_
#define ORBIT_TOOLS_METRICS_RANKED_LABELS_H_

#include "engine/tensor.h"

namespace orbit {

// The area under the precision-recall curve, as a sum over its steps: of (recall_k - recall_{k-1}) precision_k over the
// thresholds k. Examples of equal scores pass a threshold together, as in scikit-learn's average_precision_score.
double AveragePrecision(const Tensor& scores, const Tensor& targets);

// The area under the ROC curve: the chance that of two examples, one with the label and one without, the first has the
// higher score; equal scores count half.
double RocAuc(const Tensor& scores, const Tensor& targets);

}  // namespace orbit

#endif  // ORBIT_TOOLS_METRICS_RANKED_LABELS_H_
