#include "tools/metrics/ranked_labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/error.h"

namespace orbit {
namespace {

// Examples of one score: how many have the label and how many do not.
struct Threshold {
  double with = 0, without = 0;
};

struct Ranking {
  std::vector<Threshold> thresholds;  // from the highest score to the lowest
  Threshold all;
};

// The ranking by every label.
std::vector<Ranking> Rank(const char* metric, const Tensor& scores, const Tensor& targets) {
  Check(scores.rank() == 2 && scores.shape() == targets.shape(), metric, " of scores ", scores.Describe(),
        " and targets ", targets.Describe());
  const std::vector<double> all_scores = scores.ToVector<double>(), all_targets = targets.ToVector<double>();
  const size_t labels = scores.dim(1);
  std::vector<Ranking> rankings(labels);
  for (size_t label = 0; label < labels; ++label) {
    std::vector<std::pair<double, double>> known;  // score, target
    for (size_t i = label; i < all_scores.size(); i += labels) {
      const double target = all_targets[i];
      if (std::isnan(target)) continue;
      Check(target == 0 || target == 1, metric, ": a target is ", target, ", neither 0 nor 1");
      known.emplace_back(all_scores[i], target);
    }
    std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    Ranking& ranking = rankings[label];
    for (size_t i = 0; i < known.size(); ++i) {
      if (i == 0 || known[i].first != known[i - 1].first) ranking.thresholds.emplace_back();
      for (Threshold* counts : {&ranking.thresholds.back(), &ranking.all})
        (known[i].second == 1 ? counts->with : counts->without) += 1;
    }
  }
  return rankings;
}

// The mean over the labels that tell known examples apart.
template <class Area>
double MeanArea(const char* metric, const Tensor& scores, const Tensor& targets, const Area& area) {
  for (const double score : scores.ToVector<double>())
    if (std::isnan(score)) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  int64_t labels = 0;
  for (const Ranking& ranking : Rank(metric, scores, targets)) {
    if (ranking.all.with == 0 || ranking.all.without == 0) continue;
    sum += area(ranking);
    ++labels;
  }
  return labels == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(labels);
}

}  // namespace

double AveragePrecision(const Tensor& scores, const Tensor& targets) {
  return MeanArea("average precision", scores, targets, [](const Ranking& ranking) {
    double with = 0, passed = 0, area = 0;
    for (const Threshold& threshold : ranking.thresholds) {
      with += threshold.with;
      passed += threshold.with + threshold.without;
      area += threshold.with / ranking.all.with * (with / passed);
    }
    return area;
  });
}

double RocAuc(const Tensor& scores, const Tensor& targets) {
  return MeanArea("ROC-AUC", scores, targets, [](const Ranking& ranking) {
    double with = 0, pairs = 0;  // before this threshold; pairs in the right order
    for (const Threshold& threshold : ranking.thresholds) {
      pairs += threshold.without * (with + threshold.with / 2);
      with += threshold.with;
    }
    return pairs / (ranking.all.with * ranking.all.without);
  });
}

}  // namespace orbit
