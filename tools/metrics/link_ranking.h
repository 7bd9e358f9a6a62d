// Link prediction: how high the scores rank a node's known partners among all nodes of its graph.
#ifndef ORBIT_TOOLS_METRICS_LINK_RANKING_H_
#define ORBIT_TOOLS_METRICS_LINK_RANKING_H_

#include "engine/tensor.h"

namespace orbit {

// What is known of a pair of nodes (head, tail); u8 in tensors [graphs, n, n].
enum class PairLabel : uint8_t {
  kNone,        // not a pair: one of them is padding
  kUnlabelled,  // not known
  kUnlinked,
  kLinked,
};

// Which tails a linked pair's tail is ranked among: all nodes of the graph (also the head itself), except
enum class LinkFilter : uint8_t {
  kRaw,              // none;
  kFiltered,         // others that are linked to the head;
  kFilteredNoSelves  // these and the head itself.
};

struct LinkRanks {
  double hits1 = 0, hits3 = 0, hits10 = 0;  // the share of linked pairs whose tail is among the first 1, 3, 10
  double mrr = 0;                           // the mean of 1 / rank
};

// Averaged over the linked pairs of a graph, then over the graphs that have any; NaN if none has. Ranks count from 1;
// tails of equal score share the mean of their ranks. `scores` are [graphs, n, n], f32, of pairs (head, tail); `labels`
// PairLabels of the same shape. As in the Long Range Graph Benchmark (Dwivedi et al. 2022), filtered as by Toenshoff et
// al. (Where Did the Gap Go?, 2023); there the order of equal scores is left to the sort.
LinkRanks RankLinks(const Tensor& scores, const Tensor& labels, LinkFilter filter);

}  // namespace orbit

#endif  // ORBIT_TOOLS_METRICS_LINK_RANKING_H_
