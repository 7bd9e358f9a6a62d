#include "tools/metrics/metric_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace orbit {
namespace {

TEST(MetricText, SaysWhyAMetricIsUndefined) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(MetricText("mae", 0.125), "mae 0.125");
  EXPECT_EQ(MetricText("r2", kNaN), "r2 undefined (no value has two known targets)");
  EXPECT_EQ(MetricText("roc_auc", kNaN), "roc_auc undefined (no label that some examples have and others do not)");
  EXPECT_EQ(MetricText("hits@3_filtered", kNaN), "hits@3_filtered undefined (no graph has a linked pair)");
  EXPECT_EQ(MetricText("accuracy", kNaN), "accuracy undefined (no example has a known target)");
}

}  // namespace
}  // namespace orbit
