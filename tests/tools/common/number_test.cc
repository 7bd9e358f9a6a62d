#include "tools/common/number.h"

#include <gtest/gtest.h>

#include <string>

namespace orbit {
namespace {

// What a program says of `--value TEXT`; "" where it takes it.
std::string Refusal(const CLI::Validator& validator, const std::string& text) {
  CLI::App app;
  double value = 0;
  app.add_option("--value", value)->check(validator);
  try {
    app.parse("--value=" + text);
    return "";
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
}

TEST(NumberTest, TakesNumbersWithinTheirBounds) {
  for (const char* text : {"0.1", "1e6", "3"}) EXPECT_EQ(Refusal(NumberIn(0.1, 1e6), text), "") << text;
  for (const char* text : {"0", "1e-300", "3"}) EXPECT_EQ(Refusal(NumberNotBelowZero(), text), "") << text;
  for (const char* text : {"1e-300", "3"}) EXPECT_EQ(Refusal(NumberAboveZero(), text), "") << text;
}

TEST(NumberTest, RefusesNumbersBeyondThem) {
  EXPECT_EQ(Refusal(NumberIn(0.1, 1e6), "0.09"), "--value: must be a number from 0.1 to 1e+06, got 0.09");
  EXPECT_NE(Refusal(NumberIn(0.1, 1e6), "1000001"), "");
  EXPECT_EQ(Refusal(NumberNotBelowZero(), "-1e-300"), "--value: must be a number of 0 or more, got -1e-300");
  EXPECT_EQ(Refusal(NumberAboveZero(), "0"), "--value: must be a number above 0, got 0");
}

TEST(NumberTest, RefusesWhatIsNoFiniteNumber) {
  for (const char* text : {"nan", "-nan", "NaN", "inf", "-inf", "infinity", "1e999", "many", "1x"})
    for (const CLI::Validator& validator : {NumberIn(0, 1e300), NumberNotBelowZero(), NumberAboveZero()})
      EXPECT_NE(Refusal(validator, text), "") << text;
}

}  // namespace
}  // namespace orbit
