#include "data/split.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::HasSubstr;

TEST(SplitTest, NamesAreReadBack) {
  for (const Split split : kSplits) EXPECT_EQ(ParseSplit(NameOf(split)), split);
  EXPECT_THAT(io::MessageOf([] { ParseSplit("val"); }), HasSubstr("'val'; known: train, valid, test"));
}

TEST(SplitTest, EveryExampleIsInOneSplitAndTheSeedTellsWhich) {
  const SplitNumbers splits = DrawSplits(10, 0.2, 0.33, 1);
  EXPECT_EQ(splits[0].size(), 5u);
  EXPECT_EQ(splits[1].size(), 2u);
  EXPECT_EQ(splits[2].size(), 3u);
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& numbers : splits) {
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  EXPECT_THAT(all, testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(DrawSplits(10, 0.2, 0.33, 1), splits);
  EXPECT_NE(DrawSplits(10, 0.2, 0.33, 2), splits);
}

TEST(SplitTest, NoneMayBeLeftOut) {
  EXPECT_THAT(io::MessageOf([] { DrawSplits(10, 0.5, 0.5, 1); }), HasSubstr("leave none to train on"));
  EXPECT_THAT(io::MessageOf([] { DrawSplits(10, -0.1, 0.5, 1); }), HasSubstr("-0.1"));
  EXPECT_THAT(io::MessageOf([] { DrawSplits(1, 0.3, 0.6, 1); }), HasSubstr("1 examples"));
}

}  // namespace
}  // namespace orbit
