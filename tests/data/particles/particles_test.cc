#include "data/particles/particles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orbit {
namespace {

using testing::ElementsAre;

// Three particles at (0, 0), (3, 4) and (0, 1).
ParticleFrames Frames() {
  return {.charges = Tensor::From(std::vector<double>{2, -1, 3}, {1, 3}),
          .couplings = {},
          .positions = Tensor::From(std::vector<double>{0, 0, 3, 4, 0, 1}, {1, 3, 2}),
          .velocities = Tensor::From(std::vector<double>{1, 2, 3, 4, 5, 6}, {1, 3, 2}),
          .targets = Tensor::From(std::vector<double>{0, 0, 1, 1, 2, 2}, {1, 3, 2})};
}

TEST(ParticlesTest, ExamplesAreWhatModelsSee) {
  const ParticleExamples x = MakeExamples(Frames());
  EXPECT_EQ(x.nodes.shape(), (Shape{1, 3, 2, 2}));
  EXPECT_THAT(x.nodes.ToVector<float>(), ElementsAre(0, 1, 0, 2, 3, 3, 4, 4, 0, 5, 1, 6));
  EXPECT_EQ(x.edges.shape(), (Shape{1, 3, 3, 2}));
  EXPECT_THAT(x.edges.ToVector<float>(), ElementsAre(0, 0, -2, 25, 6, 1, -2, 25, 0, 0, -3, 18, 6, 1, -3, 18, 0, 0));
  EXPECT_THAT(x.target.ToVector<float>(), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(x.charges.ToVector<float>(), ElementsAre(2, -1, 3));
  EXPECT_EQ(x.charges.shape(), (Shape{1, 3, 1}));
}

TEST(ParticlesTest, CouplingsTakeThePlaceOfProductsOfCharges) {
  ParticleFrames frames = Frames();
  frames.charges = {};
  frames.targets = {};
  frames.couplings = Tensor::From(std::vector<double>{9, 1, 0, 1, 9, 0, 0, 0, 9}, {1, 3, 3});
  const ParticleExamples x = MakeExamples(frames);
  EXPECT_THAT(x.edges.ToVector<float>(), ElementsAre(0, 0, 1, 25, 0, 1, 1, 25, 0, 0, 0, 18, 0, 1, 0, 18, 0, 0));
  EXPECT_THAT(x.charges.ToVector<float>(), ElementsAre(0, 0, 0));
  EXPECT_FALSE(x.target.defined());
}

}  // namespace
}  // namespace orbit
