#include "tools/common/nearest_name.h"

#include <gtest/gtest.h>

namespace orbit {
namespace {

TEST(EditDistanceTest, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("haar", "haar"), 0);
  EXPECT_EQ(EditDistance("", "haar"), 4);
  EXPECT_EQ(EditDistance("haar", ""), 4);
  EXPECT_EQ(EditDistance("haar", "har"), 1);
  EXPECT_EQ(EditDistance("haar", "hoar"), 1);
  EXPECT_EQ(EditDistance("haar", "hara"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(DidYouMeanTest, NamesTheNearest) {
  EXPECT_EQ(DidYouMean("leanred", {"haar", "learned", "canonical"}), "; did you mean 'learned'?");
  EXPECT_EQ(DidYouMean("train.bach", {"train.batch", "train.epochs"}), "; did you mean 'train.batch'?");
}

TEST(DidYouMeanTest, AcceptsTheLastPartOfAKey) {
  EXPECT_EQ(DidYouMean("batch", {"bath", "train.batch"}), "; did you mean 'bath'?");
  EXPECT_EQ(DidYouMean("learning_rate", {"seed", "train.learning_rate"}), "; did you mean 'train.learning_rate'?");
}

TEST(DidYouMeanTest, ListsAllWhereNoneIsNear) {
  EXPECT_EQ(DidYouMean("xyzzy", {"haar", "learned"}), "; known: haar, learned");
  EXPECT_EQ(DidYouMean("xyzzy", {}), "");
}

}  // namespace
}  // namespace orbit
