// The study of graph separation: every cell of its table.
#ifndef ORBIT_TOOLS_STUDIES_SEPARATION_STUDY_H_
#define ORBIT_TOOLS_STUDIES_SEPARATION_STUDY_H_

#include "tools/studies/study_options.h"

namespace orbit {

// Separates graphs for the cells of the table that have no result in the study's directory yet, and prints the table.
// Settings, in a budget under `separation`, are seeds, samples, time_limit and data.path. Returns the exit status.
int StudySeparation(const StudyOptions& options);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_SEPARATION_STUDY_H_
