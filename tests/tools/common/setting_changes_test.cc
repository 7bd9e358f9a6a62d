#include "tools/common/setting_changes.h"

#include <gmock/gmock.h>

namespace orbit {
namespace {

TEST(SettingChanges, AreOfBothSides) {
  const SettingTexts was = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
  EXPECT_TRUE(ChangedSettings(was, was).empty());
  EXPECT_TRUE(ChangedSettings(was, {{"c", "3"}, {"b", "2"}, {"a", "1"}}).empty());
  EXPECT_EQ(DescribeChanges(ChangedSettings(was, {{"b", "4"}, {"c", "3"}, {"d", "5"}})),
            "a (was 1, now not set), b (was 2, now 4), d (was not kept, now 5)");
}

}  // namespace
}  // namespace orbit
