#include "tools/metrics/link_ranking.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/error.h"

namespace orbit {
namespace {

// One graph's scores and labels.
struct Links {
  int64_t n;
  std::vector<float> scores;
  std::vector<uint8_t> labels;

  PairLabel label(int64_t head, int64_t tail) const { return static_cast<PairLabel>(labels[head * n + tail]); }
  float score(int64_t head, int64_t tail) const { return scores[head * n + tail]; }

  // The rank of a linked tail; NaN if a score is.
  double Rank(int64_t head, int64_t tail, LinkFilter filter) const {
    double higher = 0, equal = 0;
    for (int64_t other = 0; other < n; ++other) {
      if (other == tail || label(head, other) == PairLabel::kNone) continue;
      if (filter != LinkFilter::kRaw && label(head, other) == PairLabel::kLinked) continue;
      if (filter == LinkFilter::kFilteredNoSelves && other == head) continue;
      if (std::isnan(score(head, other)) || std::isnan(score(head, tail)))
        return std::numeric_limits<double>::quiet_NaN();
      higher += score(head, other) > score(head, tail) ? 1 : 0;
      equal += score(head, other) == score(head, tail) ? 1 : 0;
    }
    return 1 + higher + equal / 2;
  }
};

using Sums = std::array<double, 4>;  // of hits at 1, 3, 10 and of 1 / rank

}  // namespace

LinkRanks RankLinks(const Tensor& scores, const Tensor& labels, LinkFilter filter) {
  Check(scores.rank() == 3 && scores.dim(1) == scores.dim(2) && scores.shape() == labels.shape() &&
            labels.dtype() == DType::kU8,
        "ranks of links by scores ", scores.Describe(), " and labels ", labels.Describe());
  Sums means{};
  double graphs = 0;
  for (int64_t graph = 0; graph < scores.dim(0); ++graph) {
    const Links links{.n = scores.dim(1),
                      .scores = scores.Rows(graph, graph + 1).ToVector<float>(),
                      .labels = labels.Rows(graph, graph + 1).ToVector<uint8_t>()};
    Sums sums{};
    double pairs = 0;
    for (int64_t head = 0; head < links.n; ++head)
      for (int64_t tail = 0; tail < links.n; ++tail) {
        if (links.label(head, tail) != PairLabel::kLinked) continue;
        const double rank = links.Rank(head, tail, filter);
        const double one = std::isnan(rank) ? rank : 1;
        const Sums terms = {rank > 1 ? 0 : one, rank > 3 ? 0 : one, rank > 10 ? 0 : one, 1 / rank};
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += terms[i];
        ++pairs;
      }
    if (pairs == 0) continue;
    for (size_t i = 0; i < sums.size(); ++i) means[i] += sums[i] / pairs;
    ++graphs;
  }
  for (double& mean : means) mean /= graphs;
  return {.hits1 = means[0], .hits3 = means[1], .hits10 = means[2], .mrr = means[3]};
}

}  // namespace orbit
