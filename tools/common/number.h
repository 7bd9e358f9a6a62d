// Checks of command-line options that are real numbers. CLI11's own, Range, PositiveNumber and NonNegativeNumber, let
// NaN pass: every comparison with it is false. They are for integers alone.
#ifndef ORBIT_TOOLS_COMMON_NUMBER_H_
#define ORBIT_TOOLS_COMMON_NUMBER_H_

#include <CLI/CLI.hpp>

namespace orbit {

// A finite number in [least, most].
CLI::Validator NumberIn(double least, double most);
// A finite number that is 0 or more.
CLI::Validator NumberNotBelowZero();
// A finite number beyond 0.
CLI::Validator NumberAboveZero();

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_NUMBER_H_
