// Losses of experiments in parts that add up over micro-batches and ranks: what they divide by and weigh with is
// counted over the whole batch (Experiment::Counts).
#ifndef ORBIT_TOOLS_EXPERIMENTS_LOSSES_H_
#define ORBIT_TOOLS_EXPERIMENTS_LOSSES_H_

#include <vector>

#include "engine/training/loss.h"

namespace orbit {

// A class's weight is the share of all other classes, of counts of every class; 0 for a class that does not occur, and
// 1 where there is no other.
std::vector<double> RarityWeights(const std::vector<double>& counts);

// Cross entropy of logits [..., classes] and targets i64 [...], -100 where there is none, weighted by RarityWeights:
// the sum of the weighted terms and of their weights (Dwivedi et al., Benchmarking Graph Neural Networks, 2020).
LossPart BalancedCrossEntropy(const Variable& logits, const Tensor& target, const std::vector<double>& counts);

// Targets of which some may not be known, [count, outputs], as a loss takes them: f32 [count, 2, outputs] of values, 0
// where not known, and whether they are known, 1 or 0.
Tensor PackKnown(const Tensor& targets);   // NaN: not known
Tensor UnpackKnown(const Tensor& packed);  // back again

// Means over the known ones, of which there are `known` in the whole batch (none: the loss is 0): of the binary cross
// entropy of logits, and of |prediction - target|. Predictions are [count, outputs].
LossPart KnownBce(const Variable& logits, const Tensor& packed, double known);
LossPart KnownL1(const Variable& predictions, const Tensor& packed, double known);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_LOSSES_H_
