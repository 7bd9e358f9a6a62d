// Pace: how fast an experiment trains on the device it is on, to fit a run into a time.
#ifndef ORBIT_TOOLS_EXPERIMENTS_PACE_H_
#define ORBIT_TOOLS_EXPERIMENTS_PACE_H_

#include <cstdint>

#include "tools/experiments/config.h"
#include "tools/experiments/experiment.h"

namespace orbit {

struct Pace {
  double step = 0, validation = 0, test = 0;  // seconds, of one of each
  int64_t steps_between_validations = 1;

  // The most steps that fit into so many seconds with their validations, the last one after the last step, and the
  // test. Throws Error where none does.
  int64_t StepsWithin(double seconds) const;
};

// Trains for about `seconds`, once steps are warm, and validates once; writes nothing. The experiment's model is trained
// by that: a run begins with another experiment. `captured`: steps are launched as one (Trainer::CaptureSteps).
Pace MeasurePace(Config config, Experiment& experiment, bool captured, double seconds);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_PACE_H_
