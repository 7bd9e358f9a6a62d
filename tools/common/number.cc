#include "tools/common/number.h"

#include <cmath>
#include <functional>
#include <sstream>
#include <string>

namespace orbit {
namespace {

// `which` describes the numbers that `allowed` returns true for.
CLI::Validator Number(const std::string& which, std::function<bool(double)> allowed) {
  const auto check = [which, allowed = std::move(allowed)](const std::string& text) -> std::string {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && std::isfinite(value) && allowed(value)) return "";
    return "must be a number " + which + ", got " + text;
  };
  return CLI::Validator(check, "a number " + which);
}

}  // namespace

CLI::Validator NumberIn(double least, double most) {
  std::ostringstream which;
  which << "from " << least << " to " << most;
  return Number(which.str(), [=](double value) { return least <= value && value <= most; });
}

CLI::Validator NumberNotBelowZero() {
  return Number("of 0 or more", [](double value) { return value >= 0; });
}

CLI::Validator NumberAboveZero() {
  return Number("above 0", [](double value) { return value > 0; });
}

}  // namespace orbit
