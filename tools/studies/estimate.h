// The spread of the estimator phi(x), a mean over sampled group elements.
#ifndef ORBIT_TOOLS_STUDIES_ESTIMATE_H_
#define ORBIT_TOOLS_STUDIES_ESTIMATE_H_

#include <cstdint>

#include "tools/experiments/experiment.h"
#include "tools/experiments/training_run.h"
#include "tools/report/metrics.h"

namespace orbit {

// The spread of phi(x) over trials with independent noise, averaged over the outputs of a split.
struct Estimate {
  double mean = 0, variance = 0;        // of phi(x)
  double loss = 0, loss_deviation = 0;  // over the trials
  double metric = 0, metric_deviation = 0;

  Metrics AsMetrics() const {
    return {{"output mean", mean},   {"output variance", variance},
            {"loss mean", loss},     {"loss deviation", loss_deviation},
            {"metric mean", metric}, {"metric deviation", metric_deviation}};
  }
};

// Over `trials` evaluations of a split with noise from the run's generator for tests.
Estimate MeasureEstimate(const TrainingRun& run, Split split, int64_t samples, int64_t trials);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_ESTIMATE_H_
