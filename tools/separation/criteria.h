// Criteria of when a model tells graphs apart.
#ifndef ORBIT_TOOLS_SEPARATION_CRITERIA_H_
#define ORBIT_TOOLS_SEPARATION_CRITERIA_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "data/graph/graphs.h"
#include "models/graph_model.h"

namespace orbit {

struct SeparationOptions {
  GraphModelOptions model;  // its embeddings lie within [-1, 1]
  Device device;
  bool in_pairs = false;     // whether graphs 2i and 2i + 1 are to be told apart; else all are, from each other
  int64_t seeds = 100;       // random initialisations
  int64_t samples = 10;      // group elements a graph; for SeparateSoundly: in the first round
  double threshold = 1e-3;   // for SeparateAsPublished
  double error_rate = 1e-3;  // for SeparateSoundly
  double seconds = 60;       // for SeparateSoundly: no round begins that would probably end later
};

struct Separation {
  using Pairs = std::vector<std::pair<int64_t, int64_t>>;
  int64_t total = 0;                        // pairs
  int64_t isomorphic = 0;                   // of these, where the criterion asks
  int64_t left = 0;                         // never told apart: the isomorphic ones and those that are undecided
  Pairs first_isomorphic, first_undecided;  // up to ten of each
  int64_t rounds = 0;
  int64_t samples = 0;  // a graph, in the last round
  // Copies of the data's graphs with their nodes renumbered, and how many of them were told from the original: those of
  // an invariant distribution, at most with the probability `error_rate` one at all.
  int64_t controls = 0, controls_apart = 0;
  std::vector<std::pair<double, double>> left_by_round;
};

// Kim et al. 2023, section 3.1: two graphs are told apart once, under some initialisation, the l1 distance of the means
// of their samples exceeds the threshold. The error of the means counts as difference, so a graph may be told from
// itself.
Separation SeparateAsPublished(const std::vector<Graph>& graphs, const SeparationOptions& options);

// Whether the criterion computes one embedding a graph, which is exact: of networks that are invariant by themselves,
// of minimal frames, all of whose elements give the base function the same input, and of canonicalization.
bool IsDeterministic(const GraphModelOptions& model);

// A criterion by which a graph is not told from itself, except by canonicalization, which breaks ties at random, and by
// frames, whose spectra are rounded: there the controls tell how often. Pairs that are isomorphic are not told apart.
// Of the others:
// * Where one embedding is exact, it is computed in f64; two differ where a coordinate does by more than 1e-9 of the
//   largest.
// * Else every graph's mean embedding gets an interval a coordinate (mean_interval.h), and two graphs are told apart
//   once intervals of theirs have no point in common. The probability that any interval of the whole run misses its
//   mean, and so that two graphs with the same mean are told apart, is at most `error_rate`: it is shared over the
//   rounds, the graphs and the coordinates. Every round has another initialisation and twice the samples of the one
//   before, and looks at the graphs that are still in undecided pairs, until there are none or the time is up.
Separation SeparateSoundly(const std::vector<Graph>& graphs, const SeparationOptions& options);

}  // namespace orbit

#endif  // ORBIT_TOOLS_SEPARATION_CRITERIA_H_
