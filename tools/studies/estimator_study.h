// The study of the estimator over the epochs of two runs: learned against uniform distributions.
#ifndef ORBIT_TOOLS_STUDIES_ESTIMATOR_STUDY_H_
#define ORBIT_TOOLS_STUDIES_ESTIMATOR_STUDY_H_

#include <CLI/CLI.hpp>

namespace orbit {

// Adds the subcommand `estimator`; `status` becomes the exit status when it was run.
void AddEstimatorStudy(CLI::App& app, int& status);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_ESTIMATOR_STUDY_H_
