// The n-body data: NumPy's numbers, the published trajectories, the cache.
#include "data/nbody/nbody.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "data/io/npy.h"
#include "data/nbody/svml_power.h"

namespace orbit {
namespace {

TEST(NumpyRandomTest, GivesTheNumbersOfRandomState) {
  NumpyRandom random(43);  // numpy.random.RandomState(43)
  const std::array<double, 3> values = {-1, 0, 1}, probabilities = {0.5, 0, 0.5};
  for (const double expected : {-1, 1, -1, -1, -1}) EXPECT_EQ(random.Choice(values, probabilities), expected);
  for (const double expected : {0.406094210414111, 0.8780990348347582, -0.4713833167038588})
    EXPECT_EQ(random.Normal(), expected);
  EXPECT_EQ(random.Uniform(), 0.7337482962802829);
}

// The first published training trajectory, ordered by coordinate.
constexpr std::array kCharges = {-1.0, 1.0, -1.0, -1.0, -1.0};
constexpr std::array kPositions30 = {
    2.9891163171666544,  0.0699511269959332, -0.9238757220080245, 0.39209455813395755, -0.05206918373568502,
    1.7693701204465264,  0.112283592463222,  0.6131790103121927,  0.29909955817327416, -2.6627322017803485,
    -1.1712942795381607, 1.3656530512661103, 1.3339073366756926,  -1.7798811766294877, -1.7504374012291943};
constexpr std::array kVelocities30 = {
    1.133811040666845,    -0.05706470405487016, -0.22530700796465328, -0.18940130946643186, 0.07705715020473163,
    0.39568061256372017,  0.34777561521445216,  -0.13882270011709105, 0.3041025403560759,   -0.7990492554037132,
    -0.22660657308868654, 0.4453890581225749,   0.5830045162802417,   -0.7416207003427767,  -0.572722903781023};
constexpr std::array kPositions40 = {
    4.1654998367653935,  -0.549322315126618, -0.5968713104820635, 0.17929104582269165, 0.015715008959059282,
    2.1913091384156544,  0.5470967935416381, 0.39296191465160396, 0.6260655409674988,  -3.5165464953480843,
    -1.3826188023600459, 1.807787364448649,  1.9058196210155605,  -2.5248706639594856, -2.3207265914093873};

// Converts trajectories [count, n, 3] to the layout of the published files, [count, 3, n].
std::vector<double> Published(const Tensor& ours) {
  const std::vector<double> values = ours.ToVector<double>();
  std::vector<double> turned(values.size());
  for (size_t t = 0; t < values.size() / 15; ++t)
    for (size_t i = 0; i < 5; ++i)
      for (size_t d = 0; d < 3; ++d) turned[(t * 3 + d) * 5 + i] = values[(t * 5 + i) * 3 + d];
  return turned;
}

TEST(SimulatorTest, TheFirstPublishedTrajectoryComesOutBitForBit) {
  const NBodyData data = SimulateNBody({.train = 1, .valid = 0, .test = 0});
  const ParticleFrames& train = data.splits[0];
  EXPECT_THAT(train.charges.ToVector<double>(), testing::ElementsAreArray(kCharges));
  EXPECT_THAT(Published(train.positions), testing::ElementsAreArray(kPositions30));
  EXPECT_THAT(Published(train.velocities), testing::ElementsAreArray(kVelocities30));
  EXPECT_THAT(Published(train.targets), testing::ElementsAreArray(kPositions40));
}

// If the published files are available (ORBIT_SHARED/data/nbody): compares all 7,000 trajectories; nearly all must
// agree bit for bit.
TEST(SimulatorTest, ThePublishedDataComesOut) {
  const char* shared = std::getenv("ORBIT_SHARED");
  if (!shared) GTEST_SKIP() << "the published files are not here: ORBIT_SHARED is not set";
  const NBodyData data = SimulateNBody({});
  for (size_t s = 0; s < 3; ++s) {
    const ParticleFrames& split = data.splits[s];
    for (const auto& [what, ours] : {std::pair("charges", split.charges), std::pair("loc30", split.positions),
                                     std::pair("vel30", split.velocities), std::pair("loc40", split.targets)}) {
      const std::vector<double> published =
          ReadNpy(std::string(shared) + "/data/nbody/" + what + "_" + NameOf(kSplits[s]) + ".npy").ToVector<double>();
      const std::vector<double> values = ours.dim(-1) == 3 ? Published(ours) : ours.ToVector<double>();
      ASSERT_EQ(values.size(), published.size());
      int64_t equal = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_NEAR(values[i], published[i], 1e-6) << what << " of " << NameOf(kSplits[s]) << ", value " << i;
        equal += values[i] == published[i];
      }
      EXPECT_GE(static_cast<double>(equal), 0.998 * static_cast<double>(values.size()))
          << what << " of " << NameOf(kSplits[s]);
    }
  }
}

// The first values are those of NumPy on AVX-512, which are not the nearest doubles; all others must be within 1 ulp.
TEST(PowerThreeHalvesTest, RoundsAsNumPyDoes) {
  std::array<double, 4> near_one = {0.9966501971513736, 0.99008339553028846, 0.99201137112238336, 0.98985829890173327};
  PowerThreeHalves(near_one.data(), near_one.size());
  EXPECT_THAT(near_one,
              testing::ElementsAre(0.99497950602148444, 0.98516203161413318, 0.98804102046490794, 0.98482608408446859));
  for (double x = 1e-180; x < 1e190; x *= 1.37) {
    double power = x;
    PowerThreeHalves(&power, 1);
    EXPECT_NEAR(power / std::pow(x, 1.5), 1, 3e-16) << x;
  }
  std::array<double, 5> unusual = {0, -1, 1e300, 1e-310, std::numeric_limits<double>::infinity()};
  PowerThreeHalves(unusual.data(), unusual.size());
  EXPECT_EQ(unusual[0], 0);
  EXPECT_TRUE(std::isnan(unusual[1]));
  EXPECT_EQ(unusual[4], std::numeric_limits<double>::infinity());
}

TEST(SimulatorTest, OtherForcesAndSizesKeepTheirLaws) {
  // Internal forces do not change the momentum.
  for (const Forces forces : {Forces::kCharged, Forces::kSpring}) {
    NumpyRandom random(1);
    const Trajectories t = Simulate({.forces = forces, .particles = 7}, random, 5, 0, {0, 10, 48});
    ASSERT_EQ(t.positions.size(), 5u * 3 * 7 * 3);
    for (int64_t trajectory = 0; trajectory < 5; ++trajectory) {
      double mean[3] = {}, momentum[2] = {};
      for (int64_t frame = 0; frame < 3; ++frame)
        for (int64_t i = 0; i < 7; ++i) {
          mean[frame] += t.positions[((trajectory * 3 + frame) * 7 + i) * 3] / 7;
          if (frame != 1) momentum[frame / 2] += t.velocities[((trajectory * 3 + frame) * 7 + i) * 3] / 7;
        }
      // Frames 0, 10 and 48 are at the times 0.1, 1.1 and 4.9.
      if (forces == Forces::kCharged) continue;  // its largest forces are clipped
      EXPECT_NEAR((mean[1] - mean[0]) / 1.0, (mean[2] - mean[1]) / 3.8, 1e-9);
      EXPECT_NEAR(momentum[0], momentum[1], 1e-9);
    }
  }
  NumpyRandom random(1);
  EXPECT_THROW(Simulate({.particles = 1}, random, 1, 0, {0}), Error);
  EXPECT_THROW(Simulate({.steps = 150}, random, 1, 0, {0}), Error);
  EXPECT_THROW(Simulate({.steps = -100}, random, 1, 0, {0}), Error);
  EXPECT_THROW(Simulate({}, random, 1, 0, {49}), Error);
  EXPECT_THROW(Simulate({}, random, -1, 0, {0}), Error);
  EXPECT_THROW(SimulateNBody({.train = 10001}), Error);
  EXPECT_THROW(ParseForces("gravity"), Error);
}

TEST(NBodyTest, TheCacheIsReadBackAndRebuiltWhereItIsDamaged) {
  const std::string directory = testing::TempDir() + "nbody_cache";
  std::filesystem::remove_all(directory);
  setenv("ORBIT_CACHE", directory.c_str(), 1);
  const NBodyOptions options{.train = 4, .valid = 2, .test = 2};
  const std::vector<double> made = LoadNBody(options).splits[0].targets.ToVector<double>();
  ASSERT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
  const std::string path = std::filesystem::directory_iterator(directory)->path();
  EXPECT_THAT(path, testing::HasSubstr("nbody-charged-particles5-steps5000-every100-seed43-train4-valid2-test2"));
  EXPECT_EQ(LoadNBody(options).splits[0].targets.ToVector<double>(), made);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-40, std::ios::end);
    file.put('x');
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(LoadNBody(options).splits[0].targets.ToVector<double>(), made);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("damaged"));
  testing::internal::CaptureStderr();
  EXPECT_EQ(LoadNBody(options).splits[0].targets.ToVector<double>(), made);  // made anew by now
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  setenv("ORBIT_CACHE", "/dev/null/cache", 1);
  testing::internal::CaptureStderr();
  EXPECT_EQ(LoadNBody(options).splits[0].targets.ToVector<double>(), made);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("not kept"));
}

}  // namespace
}  // namespace orbit
