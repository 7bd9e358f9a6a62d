// What a trained model is worth on a split of its data.
#ifndef ORBIT_TOOLS_EXPERIMENTS_EVALUATION_H_
#define ORBIT_TOOLS_EXPERIMENTS_EVALUATION_H_

#include <optional>

#include "engine/distributed/share.h"
#include "tools/experiments/experiment.h"

namespace orbit {

struct Evaluation {
  bool is_known = true;  // whether there are targets to compare with; else loss and metric mean nothing
  double loss = 0;       // the best checkpoint is the one with the smallest on the validation split
  double metric = 0;     // what is reported
  Metrics metrics;       // all that was measured, the reported one first
  Tensor predictions;    // [examples, ...]
  Tensor scores;  // [examples], NaN where those of the equivariant network are not finite; undefined without them
};

// How ranks divide the work of a split.
struct Division {
  Communicator* ranks = nullptr;  // null: this process does all of it
  bool by_samples = false;  // of every example, where there is a sample for every rank; if not, ranks divide examples
};

// Of a whole split, with `samples` group elements an example. The model is in evaluation mode. All ranks have the whole
// result, and call this together. What is not finite is for CheckFinite.
Evaluation Evaluate(const Experiment& experiment, Split split, int64_t samples, Generator& generator,
                    const ShareDone& progress = {}, const Division& division = {});

// The same, unless a stop is asked for before it is done; then, soon, there is none on any rank. All ranks have a
// `stop`; one that is asked is enough.
std::optional<Evaluation> EvaluateUntil(const Request& stop, const Experiment& experiment, Split split, int64_t samples,
                                        Generator& generator, const ShareDone& progress = {},
                                        const Division& division = {});

// Throws Error where the loss, the metric, a prediction or the scores of an equivariant network are not finite, except
// that the metric may be NaN if the predictions are finite: it is then undefined for these targets. Scores that are not
// are no order of nodes, but sorting makes one, and all else may look well.
void CheckFinite(const Evaluation& evaluation, Split split);

// Relative errors |phi(h x) - h phi(x)| / |phi(x)| for random h, in the l2 norm over some examples.
struct EquivarianceError {
  double exact = 0;        // with the noise transformed along: rounding, and ties broken otherwise
  double statistical = 0;  // with noise drawn anew: falls with the number of samples
};

EquivarianceError MeasureEquivariance(const Experiment& experiment, Split split, int64_t samples, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_EVALUATION_H_
