#include "engine/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/error.h"

namespace orbit::optim {
namespace {

void ExpectFactors(const Schedule& schedule, const std::vector<double>& expected, int64_t first = 0) {
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(schedule.Factor(first + i), expected[i], 1e-14) << "step " << first + i;
}

// Recorded from torch.optim.lr_scheduler 2.15: CosineAnnealingLR, PolynomialLR, LinearLR over 8 steps.
TEST(Schedule, FollowsPyTorch) {
  ExpectFactors({.decay = Decay::kCosine, .total_steps = 8, .final_factor = 0.1},
                {1.0, 0.9657457896300791, 0.8681980515339464, 0.7222075445642905, 0.55, 0.3777924554357097,
                 0.2318019484660537, 0.134254210369921, 0.1});
  ExpectFactors({.decay = Decay::kPolynomial, .total_steps = 8, .power = 2},
                {1.0, 0.765625, 0.5625, 0.390625, 0.25, 0.140625, 0.0625, 0.015625, 0.0});
  ExpectFactors({.decay = Decay::kLinear, .total_steps = 8, .final_factor = 0.25},
                {1.0, 0.90625, 0.8125, 0.71875, 0.625, 0.53125, 0.4375, 0.34375, 0.25});
}

// OneCycleLR with 10 steps, pct_start 0.3 (the default) and 0.4.
TEST(Schedule, OneCycleFollowsPyTorch) {
  ExpectFactors({.decay = Decay::kOneCycle, .total_steps = 10},
                {0.04, 0.52, 1.0, 0.9504846320134737, 0.8117456539497631, 0.6112620219362893, 0.38874197806371075,
                 0.18825834605023697, 0.049519367986526286, 4e-06});
  ExpectFactors({.decay = Decay::kOneCycle, .warmup_steps = 4, .total_steps = 10},
                {0.04, 0.28, 0.76, 1.0, 0.9330129698414118, 0.750001, 0.500002, 0.250003, 0.06699103015858822, 4e-06});
}

TEST(Schedule, OneCycleIsDefinedWhereItHasNoRoomToRise) {
  ExpectFactors({.decay = Decay::kOneCycle, .warmup_steps = 1, .total_steps = 2}, {1, 4e-6});
  ExpectFactors({.decay = Decay::kOneCycle, .total_steps = 1}, {4e-6});
}

TEST(Schedule, WarmsUpThenDecaysFromOne) {
  for (const Decay decay : {Decay::kConstant, Decay::kLinear, Decay::kCosine, Decay::kPolynomial, Decay::kSquareRoot}) {
    const Schedule schedule{.decay = decay, .warmup_steps = 4, .total_steps = 12};
    ExpectFactors(schedule, {0.25, 0.5, 0.75, 1.0});
    EXPECT_LE(schedule.Factor(5), schedule.Factor(4));
  }
  ExpectFactors({.decay = Decay::kLinear, .warmup_steps = 4, .total_steps = 12},
                {1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0}, 4);
}

TEST(Schedule, SquareRootFallsWithTheStep) {
  ExpectFactors({.decay = Decay::kSquareRoot}, {1, std::sqrt(1 / 2.0), std::sqrt(1 / 3.0), 0.5});
  ExpectFactors({.decay = Decay::kSquareRoot, .warmup_steps = 4}, {0.5}, 15);
}

TEST(Schedule, StaysAtItsEndBeyondTheLastStep) {
  ExpectFactors({.decay = Decay::kLinear, .total_steps = 8, .final_factor = 0.25}, {0.25}, 100);
  ExpectFactors({.decay = Decay::kPolynomial, .total_steps = 8, .power = 0.5}, {0}, 100);
  ExpectFactors({.decay = Decay::kOneCycle, .total_steps = 10}, {4e-6}, 100);
  ExpectFactors({}, {1}, 100);
}

TEST(Schedule, RefusesWhatMakesNoSense) {
  EXPECT_THROW(Schedule{}.Factor(-1), Error);
  EXPECT_THROW(Schedule{.warmup_steps = -1}.Factor(0), Error);
  EXPECT_THROW(Schedule{.decay = Decay::kCosine}.Factor(0), Error);
  EXPECT_THROW((Schedule{.decay = Decay::kLinear, .warmup_steps = 5, .total_steps = 5}.Factor(0)), Error);
}

TEST(Schedule, NamesAreParsed) {
  EXPECT_EQ(ParseDecay("square_root"), Decay::kSquareRoot);
  EXPECT_EQ(ParseDecay("one_cycle"), Decay::kOneCycle);
  EXPECT_THROW(ParseDecay("cosin"), Error);
}

}  // namespace
}  // namespace orbit::optim
