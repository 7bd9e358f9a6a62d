// The study of the number of samples: trains with several, and tests each with several.
#ifndef ORBIT_TOOLS_STUDIES_SAMPLES_STUDY_H_
#define ORBIT_TOOLS_STUDIES_SAMPLES_STUDY_H_

#include <CLI/CLI.hpp>

namespace orbit {

// Adds the subcommand `samples`; `status` becomes the exit status when it was run.
void AddSamplesStudy(CLI::App& app, int& status);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_SAMPLES_STUDY_H_
