// Padding of an axis.
#ifndef ORBIT_ENGINE_OPS_PAD_H_
#define ORBIT_ENGINE_OPS_PAD_H_

#include <string>
#include <vector>

#include "engine/variable.h"

namespace orbit {

// What is beyond the ends of an axis of a b c d, as in PyTorch's pad:
//   kZero       0 0 | a b c d | 0 0
//   kReflect    c b | a b c d | c b
//   kReplicate  a a | a b c d | d d
//   kCircular   c d | a b c d | a b
enum class PadMode : uint8_t { kZero, kReflect, kReplicate, kCircular };

const char* NameOf(PadMode mode);               // "zero", "reflect", "replicate", "circular"
PadMode ParsePadMode(const std::string& name);  // the inverse; throws Error

// For every position of a padded axis of n elements, the element that is there; -1 for zero. Throws Error for reflect
// by n or more, for circular by more than n, and for no elements where there have to be any.
std::vector<int64_t> PadSources(int64_t n, int64_t before, int64_t after, PadMode mode);

// x with `before` and `after` elements more at the ends of the axis. f32, f64, bf16.
Variable Pad(const Variable& x, int64_t axis, int64_t before, int64_t after, PadMode mode = PadMode::kZero);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_PAD_H_
