// What `separate` finds, kept in a file for `table`.
#ifndef ORBIT_TOOLS_SEPARATION_SEPARATION_RESULT_H_
#define ORBIT_TOOLS_SEPARATION_SEPARATION_RESULT_H_

#include <cstdint>
#include <string>

#include "tools/common/setting_changes.h"

namespace orbit {

struct SeparationResult {
  std::string dataset;  // graph8c, exp, or a path
  std::string model, distribution;
  std::string criterion = "published";  // or sound
  int64_t seeds = 0, samples = 0;
  int64_t left = 0, total = 0;               // pairs never told apart, of all
  int64_t isomorphic = 0;                    // of those left; sound, as what follows
  int64_t controls = 0, controls_apart = 0;  // graphs compared with renumbered copies of theirs, and told from them
  SettingTexts settings = {};                // that it was measured with; none in files of before they were kept
};

inline constexpr char kSeparationResultFile[] = "separation.json";

void WriteSeparationResult(const SeparationResult& result, const std::string& path);
// throws Error, with the file, if it is not such a file
SeparationResult ReadSeparationResult(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_TOOLS_SEPARATION_SEPARATION_RESULT_H_
