// A generator that is a line in any language, so that scikit-learn can be given what a test draws.
#ifndef ORBIT_TESTS_TOOLS_METRICS_DRAWS_H_
#define ORBIT_TESTS_TOOLS_METRICS_DRAWS_H_

#include <cstdint>

namespace orbit {

// x = (1103515245 x + 12345) mod 2^31, and x / 256 of it.
class Draws {
 public:
  explicit Draws(uint64_t seed) : x_(seed) {}
  int64_t operator()(int64_t below) {
    x_ = (x_ * 1103515245 + 12345) & 0x7fffffff;
    return static_cast<int64_t>(x_ >> 8) % below;
  }

 private:
  uint64_t x_;
};

}  // namespace orbit

#endif  // ORBIT_TESTS_TOOLS_METRICS_DRAWS_H_
