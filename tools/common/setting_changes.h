// Whether a result is one of certain settings: what differs between those that it was made with and those asked for.
#ifndef ORBIT_TOOLS_COMMON_SETTING_CHANGES_H_
#define ORBIT_TOOLS_COMMON_SETTING_CHANGES_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orbit {

// Keys and their values as text, in the order that they are told in.
using SettingTexts = std::vector<std::pair<std::string, std::string>>;

struct SettingChange {
  std::string key;
  std::optional<std::string> was, now;  // none where a side does not have the key
};

// The keys of `was`, and then those of `now` alone, whose values are not the same in both.
std::vector<SettingChange> ChangedSettings(const SettingTexts& was, const SettingTexts& now);

// "train.samples (was 2, now 3), seed (was not kept, now 0)", for messages that begin with "... with another".
std::string DescribeChanges(const std::vector<SettingChange>& changes);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_SETTING_CHANGES_H_
