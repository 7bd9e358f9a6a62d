// The study of a table: all its rows trained at one budget.
#ifndef ORBIT_TOOLS_STUDIES_TABLE_STUDY_H_
#define ORBIT_TOOLS_STUDIES_TABLE_STUDY_H_

#include <CLI/CLI.hpp>

namespace orbit {

// Adds the subcommand `table`; `status` becomes the exit status when it was run.
void AddTableStudy(CLI::App& app, int& status);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_TABLE_STUDY_H_
