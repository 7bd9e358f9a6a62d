#include "tools/metrics/class_accuracy.h"

#include <algorithm>
#include <vector>

#include "kernels/error.h"

namespace orbit {
namespace {

// Of one batch.
double AccuracyOf(const Tensor& logits, const Tensor& targets) {
  const int64_t classes = logits.dim(2);
  const std::vector<float> values = logits.ToVector<float>();
  const std::vector<int64_t> known = targets.ToVector<int64_t>();
  std::vector<int64_t> nodes(classes), right(classes);
  std::vector<bool> occurs(classes);
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i] < 0) continue;
    Check(known[i] < classes, "a node of class ", known[i], ", and logits of ", classes, " classes");
    const auto first = values.begin() + static_cast<int64_t>(i) * classes;
    const int64_t predicted = std::max_element(first, first + classes) - first;
    ++nodes[known[i]];
    if (predicted == known[i]) ++right[predicted];
    occurs[known[i]] = occurs[predicted] = true;
  }
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c)
    if (nodes[c] > 0) sum += static_cast<double>(right[c]) / static_cast<double>(nodes[c]);
  return 100 * sum / static_cast<double>(std::max<int64_t>(1, std::count(occurs.begin(), occurs.end(), true)));
}

}  // namespace

double ClassAccuracy(const Tensor& logits, const Tensor& targets, int64_t batch) {
  Check(logits.rank() == 3 && targets.shape() == Shape{logits.dim(0), logits.dim(1)}, "the accuracy of classes of ",
        logits.Describe(), " and targets ", targets.Describe());
  const int64_t examples = logits.dim(0);
  double sum = 0;
  int64_t batches = 0;
  for (int64_t begin = 0; begin < examples; begin += batch, ++batches) {
    const int64_t end = std::min(examples, begin + batch);
    sum += AccuracyOf(logits.Rows(begin, end), targets.Rows(begin, end));
  }
  Check(batches > 0, "the accuracy of no examples");
  return sum / static_cast<double>(batches);
}

}  // namespace orbit
