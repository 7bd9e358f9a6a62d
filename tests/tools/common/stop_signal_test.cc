#include "tools/common/stop_signal.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace orbit {
namespace {

TEST(StopSignalTest, RemembersTheSignal) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
    const StopSignal stop;
    EXPECT_FALSE(stop.requested());
    EXPECT_EQ(stop.signal(), 0);
    std::raise(number);
    EXPECT_TRUE(stop.requested());
    EXPECT_EQ(stop.signal(), number);
  }
}

TEST(StopSignalDeathTest, EndsAtTheSecondInterrupt) {
  EXPECT_EXIT(
      {
        const StopSignal stop;
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::exit(0);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignalDeathTest, BearsTheOthersAgain) {
  EXPECT_EXIT(
      {
        const StopSignal stop;
        for (const int number : {SIGTERM, SIGTERM, SIGUSR1, SIGUSR1, SIGHUP, SIGHUP, SIGINT}) std::raise(number);
        std::exit(stop.requested() ? 3 : 0);
      },
      testing::ExitedWithCode(3), "");
}

TEST(StopSignalTest, LeavesAHangupIgnored) {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  {
    const StopSignal stop;
    std::raise(SIGHUP);
    EXPECT_FALSE(stop.requested());
  }
  EXPECT_EQ(std::signal(SIGHUP, before), SIG_IGN);
}

void Own(int) { std::_Exit(7); }

TEST(StopSignalDeathTest, LeavesSignalsAsTheyWere) {
  EXPECT_EXIT(
      {
        std::signal(SIGTERM, Own);
        { const StopSignal stop; }
        std::raise(SIGTERM);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        { const StopSignal stop; }
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace orbit
