// What is kept of a run that a table shows: a few kilobytes, for a repository.
#ifndef ORBIT_TOOLS_TABLES_RECORDED_RUN_H_
#define ORBIT_TOOLS_TABLES_RECORDED_RUN_H_

#include <filesystem>

namespace orbit {

// Writes to BUDGET/PRESET-seedSEED in `folder` (PRESET-seedSEED for a run without a budget) its settings, without the
// directories of the machine that it ran on, and the metrics of its test and of the steps that were validated.
void RecordRun(const std::filesystem::path& run, const std::filesystem::path& folder);

}  // namespace orbit

#endif  // ORBIT_TOOLS_TABLES_RECORDED_RUN_H_
