// Settings: combines presets, files and command-line assignments into one config.
#ifndef ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
#define ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_

#include <CLI/CLI.hpp>
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

// Throws Error, naming the source and what is wrong with it.
Config ResolveSettings(const SettingsSources& sources);

// Whether a setting says where a run, its data or its weights are, which differs from machine to machine.
bool IsPlace(const std::string& key);

// Whether a place is only another one, as in Config::Texts(). Where one of both is empty, more has changed: data are
// drawn instead, or no weights are loaded.
bool IsMove(const SettingChange& change);

// What `now` has otherwise than `was`, of the keys for which `counts` is true. The run's directory is never a
// difference, and neither are data that have only moved (IsMove): they are compared by their contents. Weights at
// another place are a difference, because nothing compares them. Of different tasks the only change is "task".
std::vector<SettingChange> ChangedSettings(const Config& was, const Config& now,
                                           const std::function<bool(const std::string& key)>& counts);

// All keys of a task with their defaults and meanings, for --help.
std::string DescribeKeys(const std::string& task);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
