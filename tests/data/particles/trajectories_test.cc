// Trajectories from folders of .npy files in both layouts, and what is refused.
#include "data/particles/trajectories.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "data/io/npy.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The numbers 0, 1, 2, ... in memory order.
Tensor Count(const Shape& shape, double first = 0) {
  std::vector<double> values(NumElements(shape));
  std::iota(values.begin(), values.end(), first);
  return Tensor::From(values, shape);
}

class TrajectoriesTest : public io::FileTest {
 protected:
  void Write(const std::string& name, const Tensor& tensor) { WriteNpy(Path(name + ".npy"), tensor); }
  ParticleFrames Read(FramePair pair) { return ReadTrajectories(Path(""), Split::kTrain, pair).value(); }
  std::string Refusal(FramePair pair) {
    return io::MessageOf([&] { ReadTrajectories(Path(""), Split::kTrain, pair); });
  }
};

TEST_F(TrajectoriesTest, FramesAlongAnAxis) {
  Write("loc_train_springs", Count({2, 4, 3, 2}));
  Write("vel_train_springs", Count({2, 4, 3, 2}, 100).To(DType::kF32));
  Write("edges_train_springs", Count({2, 2, 2}));
  Write("charges_train_springs", Count({2, 2, 1}, 7).To(DType::kI64));
  const ParticleFrames frames = Read({.input = 1, .target = 3});
  EXPECT_EQ(frames.positions.shape(), (Shape{2, 2, 3}));
  EXPECT_THAT(frames.positions.ToVector<double>(), ElementsAre(6, 8, 10, 7, 9, 11, 30, 32, 34, 31, 33, 35));
  EXPECT_THAT(frames.velocities.ToVector<double>(),
              ElementsAre(106, 108, 110, 107, 109, 111, 130, 132, 134, 131, 133, 135));
  EXPECT_THAT(frames.targets.ToVector<double>(), ElementsAre(18, 20, 22, 19, 21, 23, 42, 44, 46, 43, 45, 47));
  EXPECT_THAT(frames.couplings.ToVector<double>(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(frames.charges.ToVector<double>(), ElementsAre(7, 8, 9, 10));
  EXPECT_FALSE(Read({.input = 1, .target = 4}).targets.defined()) << "the last frame is 3";
}

TEST_F(TrajectoriesTest, TheFrameInTheName) {
  Write("loc30_train", Count({1, 2, 3}));
  Write("vel30_train", Count({1, 2, 3}, 10));
  Write("charges_train", Count({1, 3}));
  EXPECT_FALSE(Read({}).targets.defined());
  Write("loc40_train", Count({1, 2, 3}, 20));
  const ParticleFrames frames = Read({});
  EXPECT_THAT(frames.positions.ToVector<double>(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(frames.velocities.ToVector<double>(), ElementsAre(10, 13, 11, 14, 12, 15));
  EXPECT_THAT(frames.targets.ToVector<double>(), ElementsAre(20, 23, 21, 24, 22, 25));
  EXPECT_FALSE(frames.couplings.defined());
  EXPECT_FALSE(ReadTrajectories(Path(""), Split::kTest, {}).has_value());
  EXPECT_FALSE(ReadTrajectories(Path(""), Split::kTrain, {.input = 20, .target = 40}).has_value());
}

TEST_F(TrajectoriesTest, WhatDoesNotFitIsRefusedWithItsFile) {
  EXPECT_THAT(io::MessageOf([&] { ReadTrajectories(Path("missing"), Split::kTrain, {}); }), HasSubstr("cannot list"));
  const FramePair pair{.input = 0, .target = 1};
  Write("loc_train", Count({1, 2, 3, 2}));
  EXPECT_THAT(Refusal(pair), HasSubstr("no vel_train*.npy"));
  Write("vel_train", Count({1, 2, 3, 3}));
  EXPECT_THAT(Refusal(pair), HasSubstr("vel_train.npy is [1, 2, 3, 3]"));
  Write("vel_train", Count({1, 2, 3, 2}));
  EXPECT_EQ(Refusal(pair), "");
  EXPECT_THAT(Refusal({.input = 2, .target = 3}), HasSubstr("has the frames 0 to 1"));
  EXPECT_THAT(Refusal({.input = 1, .target = 1}), HasSubstr("frames 1 and 1 were asked for"));
  Write("edges_train", Count({1, 3, 3}));
  EXPECT_THAT(Refusal(pair), HasSubstr("edges_train.npy is [1, 3, 3]"));
  Write("edges_train", Count({1, 2, 2}));
  Write("charges_train", Count({1, 3}));
  EXPECT_THAT(Refusal(pair), HasSubstr("charges_train.npy is [1, 3]"));
  Write("charges_train", Tensor::From(std::vector<double>{1, NAN}, {1, 2}));
  EXPECT_THAT(Refusal(pair), HasSubstr("charges_train.npy: nan in trajectory 0"));
  Write("charges_train", Count({1, 2}));
  Write("loc0_train", Count({1, 3, 2}));
  EXPECT_THAT(Refusal(pair), HasSubstr("which of them is meant?"));
  std::filesystem::remove(Path("loc0_train.npy"));
  Write("loc_train_more", Count({1, 2, 3, 2}));
  EXPECT_THAT(Refusal(pair), HasSubstr("which of them is meant?"));
  std::filesystem::remove(Path("loc_train_more.npy"));
  for (const Shape& shape : {Shape{1, 2, 4, 2}, Shape{1, 2, 3, 1}, Shape{0, 2, 3, 2}}) {
    Write("loc_train", Count(shape));
    EXPECT_THAT(Refusal(pair), HasSubstr("in 2 or 3 dimensions is needed"));
  }
  for (const Shape& shape : {Shape{1, 3, 2}, Shape{6}, Shape{}}) {
    Write("loc_train", Count(shape));
    EXPECT_THAT(Refusal(pair), HasSubstr("loc_train.npy is ["));
  }
}

}  // namespace
}  // namespace orbit
