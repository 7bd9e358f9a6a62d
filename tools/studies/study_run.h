// Training runs that are parts of a study.
#ifndef ORBIT_TOOLS_STUDIES_STUDY_RUN_H_
#define ORBIT_TOOLS_STUDIES_STUDY_RUN_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "tools/common/stop_signal.h"
#include "tools/experiments/training_run.h"

namespace orbit {

// How messages of studies end that refuse a directory.
inline constexpr char kElsewhere[] = "; --output chooses another directory";

// Throws Error for settings that are wrong, and if the directory holds a run, finished or not, that has others, but for
// where the data are and what is found in them because it is not set.
void CheckStudyRun(const SettingsSources& sources, const std::filesystem::path& directory);

// A training run of a study in a directory of its own: begun, or gone on with. Throws Error where CheckStudyRun does.
TrainingRun MakeStudyRun(SettingsSources sources, const std::filesystem::path& directory, Device device);

// Whether the run came to its end; `after_step` is called with every step's number. `stop` should live little longer
// than this takes: at other times a study has nothing to save, and a signal may end it at once.
bool TrainUntil(
    TrainingRun& run, const StopSignal& stop, const std::function<void(int64_t)>& after_step = [](int64_t) {});

// Makes the directory of a study, as the user gave it. Throws Error if it cannot be made.
std::filesystem::path MakeStudyDirectory(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_TOOLS_STUDIES_STUDY_RUN_H_
