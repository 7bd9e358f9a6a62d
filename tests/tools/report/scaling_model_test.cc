// The model of steps on many devices, in cases that can be worked out by hand.
#include "tools/report/scaling_model.h"

#include <gtest/gtest.h>

namespace orbit {
namespace {

constexpr Cluster kCluster = {.devices_per_node = 4, .inside = {100, 0.001}, .between = {10, 0.1}};

TEST(ScalingModel, AnAllReduceMovesWhatARingMoves) {
  EXPECT_EQ(AllReduceSeconds(kCluster, 1, 1000), 0);
  EXPECT_DOUBLE_EQ(AllReduceSeconds(kCluster, 2, 1000), 10 + 0.002);   // 2 (2 - 1) / 2 of the bytes, 2 hops
  EXPECT_DOUBLE_EQ(AllReduceSeconds(kCluster, 4, 1000), 15 + 0.004);   // a tree of 2 levels, up and down
  EXPECT_DOUBLE_EQ(AllReduceSeconds(kCluster, 8, 1000), 175 + 0.204);  // by the network
  EXPECT_NEAR(AllReduceSeconds(kCluster, 1024, 1000), 200, 2);
  Cluster direct = kCluster;
  direct.direct = true;
  EXPECT_DOUBLE_EQ(AllReduceSeconds(direct, 3, 300), 4 + 0.002);
}

TEST(ScalingModel, TheLastBucketIsExposed) {
  StepCost step = {.seconds = 30, .gradient_bytes = 1000, .buckets = 10, .backward_share = 0.5, .other_operations = 0};
  // Sums of 10 s in all, of which 9 fit into the 13.5 s of the backward that come before the last bucket.
  const StepEstimate two = EstimateStep(step, kCluster, 2);
  EXPECT_NEAR(two.communication, 10, 0.1);
  EXPECT_NEAR(two.exposed, 1, 0.01);
  EXPECT_NEAR(two.seconds, 31, 0.1);
  // Over the network the sums take far longer than the backward.
  EXPECT_NEAR(EstimateStep(step, kCluster, 8).exposed, 175 + 10 * 0.204 - 13.5, 0.01);
  step.overlap = false;
  EXPECT_NEAR(EstimateStep(step, kCluster, 2).exposed, 10, 0.1);
  EXPECT_DOUBLE_EQ(EstimateStep(step, kCluster, 1).seconds, 30);
}

}  // namespace
}  // namespace orbit
