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

TEST(DidYouMeanTest, TheSameFirstPartMakesNoKeyNear) {
  EXPECT_EQ(DidYouMean("train.ab", {"train.power"}), "; known: train.power");
}

TEST(DidYouMeanKeyTest, KnowsWhatOtherFrameworksSay) {
  const std::vector<std::string> keys = {"seed",           "run.directory",       "train.epochs",
                                         "train.batch",    "train.learning_rate", "train.power",
                                         "model.a.layers", "model.b.layers",      "model.a.width"};
  EXPECT_EQ(DidYouMeanKey("train.lr", keys), "; did you mean 'train.learning_rate'?");
  EXPECT_EQ(DidYouMeanKey("optimizer.LR", keys), "; did you mean 'train.learning_rate'?");
  EXPECT_EQ(DidYouMeanKey("batch_size", keys), "; did you mean 'train.batch'?");
  EXPECT_EQ(DidYouMeanKey("trainer.max-epochs", keys), "; did you mean 'train.epochs'?");
  EXPECT_EQ(DidYouMeanKey("model.a.n_layers", keys), "; did you mean 'model.a.layers'?");
  EXPECT_EQ(DidYouMeanKey("model.numLayers", keys), "; did you mean 'model.a.layers' or 'model.b.layers'?");
  EXPECT_EQ(DidYouMeanKey("hidden_dim", keys), "; did you mean 'model.a.width'?");
  EXPECT_EQ(DidYouMeanKey("train.bacth", keys), "; did you mean 'train.batch'?");
  EXPECT_EQ(DidYouMeanKey("wd", {"train.batch"}), DidYouMean("wd", {"train.batch"}));  // a key that this task lacks
}

TEST(DidYouMeanTest, ListsAllWhereNoneIsNear) {
  EXPECT_EQ(DidYouMean("xyzzy", {"haar", "learned"}), "; known: haar, learned");
  EXPECT_EQ(DidYouMean("xyzzy", {}), "");
}

}  // namespace
}  // namespace orbit
