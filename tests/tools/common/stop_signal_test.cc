#include "tools/common/stop_signal.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace orbit {
namespace {

TEST(StopSignalTest, RemembersTheSignal) {
  for (const int number : {SIGINT, SIGTERM}) {
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

TEST(StopSignalDeathTest, BearsASecondTerminate) {
  EXPECT_EXIT(
      {
        const StopSignal stop;
        std::raise(SIGTERM);
        std::raise(SIGTERM);
        std::raise(SIGINT);
        std::exit(stop.requested() ? 3 : 0);
      },
      testing::ExitedWithCode(3), "");
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
