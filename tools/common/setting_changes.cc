#include "tools/common/setting_changes.h"

#include <algorithm>

namespace orbit {
namespace {

std::optional<std::string> Find(const SettingTexts& settings, const std::string& key) {
  const auto found = std::ranges::find(settings, key, &SettingTexts::value_type::first);
  if (found == settings.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::vector<SettingChange> ChangedSettings(const SettingTexts& was, const SettingTexts& now) {
  std::vector<SettingChange> changes;
  for (const auto& [key, value] : was)
    if (const std::optional<std::string> other = Find(now, key); other != value) changes.push_back({key, value, other});
  for (const auto& [key, value] : now)
    if (!Find(was, key)) changes.push_back({key, std::nullopt, value});
  return changes;
}

std::string DescribeChanges(const std::vector<SettingChange>& changes) {
  std::string text;
  for (const SettingChange& change : changes)
    text += (text.empty() ? "" : ", ") + change.key + " (was " + change.was.value_or("not kept") + ", now " +
            change.now.value_or("not set") + ")";
  return text;
}

}  // namespace orbit
