#include "tools/report/inner_symmetry.h"

#include <gtest/gtest.h>

#include <cmath>

namespace orbit {
namespace {

constexpr int64_t kSamples = 100;

class InnerSymmetryTest : public testing::Test {
 protected:
  static std::vector<NodeOutputs> Compute(const std::string& distribution, int64_t samples = kSamples) {
    return ComputeNodeOutputs(graphs(), distribution, samples, /*seed=*/0);
  }
  static const std::vector<InnerSymmetricGraph>& graphs() {
    static const std::vector<InnerSymmetricGraph> five = InnerSymmetricGraphs();
    return five;
  }
  static const std::vector<NodeOutputs>& learned() {
    static const std::vector<NodeOutputs> outputs = Compute("learned");
    return outputs;
  }
  static const std::vector<NodeOutputs>& canonical() {
    static const std::vector<NodeOutputs> outputs = Compute("canonical");
    return outputs;
  }
};

// The outputs for nodes of one orbit have the same distribution, so their means differ only by chance. The five graphs
// have 92 pairs of such nodes. The probability that any difference exceeds 5 of its standard errors, from 100 samples
// (Student's t with 99 degrees of freedom), is 2e-4.
TEST_F(InnerSymmetryTest, LearnedAgreesWithinOrbitsUpToTheErrorOfItsSamples) {
  for (size_t g = 0; g < graphs().size(); ++g) {
    const OrbitDifference difference = DifferenceWithinOrbits(learned()[g], graphs()[g].orbits);
    EXPECT_LT(difference.in_errors, 5) << graphs()[g].name;
    EXPECT_EQ(difference.largest > 0, graphs()[g].order > 1) << graphs()[g].name;
  }
}

// With one sample the differences within an orbit are sqrt(100) times those of means of 100. The test requires half of
// that, because the largest of a few differences varies.
TEST_F(InnerSymmetryTest, CanonicalizationDiffersWithinOrbits) {
  for (size_t g = 0; g < graphs().size(); ++g) {
    const std::vector<int32_t>& orbits = graphs()[g].orbits;
    const double canonicals = DifferenceWithinOrbits(canonical()[g], orbits).largest;
    if (graphs()[g].order == 1) {
      EXPECT_EQ(canonicals, 0);
    } else {
      EXPECT_GT(canonicals, std::sqrt(kSamples) / 2 * DifferenceWithinOrbits(learned()[g], orbits).largest)
          << graphs()[g].name;
    }
  }
}

// Agreement would mean nothing if the model treated all nodes alike.
TEST_F(InnerSymmetryTest, LearnedTellsOrbitsApart) {
  const NodeOutputs& star = learned()[1];
  const double hub = star.mean[0], leaf = star.mean[1];
  EXPECT_GT(std::abs(hub - leaf), 5 * DifferenceWithinOrbits(star, graphs()[1].orbits).largest);
}

TEST_F(InnerSymmetryTest, OutputsAreOfTheGraphsOwnNodes) {
  for (size_t g = 0; g < graphs().size(); ++g) {
    EXPECT_EQ(static_cast<int64_t>(learned()[g].mean.size()), graphs()[g].graph.n);
    EXPECT_EQ(static_cast<int64_t>(learned()[g].samples.size()), kSamples);
    EXPECT_EQ(canonical()[g].samples.size(), 1u);
    EXPECT_EQ(canonical()[g].samples[0], canonical()[g].mean);
  }
}

TEST(DifferenceWithinOrbitsTest, ComparesNodesOfOneOrbit) {
  const NodeOutputs outputs{.samples = {{1, 9, 2}, {2, 7, 5}}, .mean = {1.5, 8, 3.5}};
  const OrbitDifference difference = DifferenceWithinOrbits(outputs, {0, 1, 0});
  EXPECT_DOUBLE_EQ(difference.largest, 2);
  EXPECT_DOUBLE_EQ(difference.in_errors, 2);  // differences -1 and -3: deviation sqrt(2), standard error 1
  EXPECT_EQ(DifferenceWithinOrbits(outputs, {0, 1, 2}).largest, 0);
}

}  // namespace
}  // namespace orbit
