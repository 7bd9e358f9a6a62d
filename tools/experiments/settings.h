// Settings: combines presets, files and command-line assignments into one config.
#ifndef ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
#define ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_

#include <CLI/CLI.hpp>
#include <array>
#include <string>
#include <vector>

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

// All keys of a task with their defaults and meanings, for --help.
std::string DescribeKeys(const std::string& task);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_SETTINGS_H_
