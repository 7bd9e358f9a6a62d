// Settings: combines presets, files and command-line assignments into one config.
#ifndef ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
#define ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_

#include <CLI/CLI.hpp>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "tools/common/setting_changes.h"
#include "tools/experiments/config.h"

namespace orbit {

// The sources of settings; later ones override earlier ones. A preset or a file may build on a preset with `extends`.
struct SettingsSources {
  std::string preset;                    // name; empty: none
  std::string file;                      // path of a YAML file; empty: none
  std::vector<std::string> assignments;  // key=value
  std::string yaml = {};                 // the contents of `file`, where they have been read; empty: they are read
};

// --precision P, short for the assignment train.precision=P.
void AddPrecisionOption(CLI::App& app, std::vector<std::string>& assignments);

// Settings that are paths of data and weights, which differ from machine to machine.
inline constexpr std::array kPathKeys = {"data.path", "data.splits", "data.split_file", "model.weights"};

// Throws Error, naming the source and what is wrong with it.
Config ResolveSettings(const SettingsSources& sources);

// What `now` has otherwise than `was`, of the keys for which `counts` is true. Where a run and its data are is never a
// difference: run.directory and kPathKeys. Of different tasks the only change is "task".
std::vector<SettingChange> ChangedSettings(const Config& was, const Config& now,
                                           const std::function<bool(const std::string& key)>& counts);

// All keys of a task with their defaults and meanings, for --help.
std::string DescribeKeys(const std::string& task);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
