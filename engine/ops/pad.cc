#include "engine/ops/pad.h"

#include <algorithm>
#include <utility>

#include "engine/ops/indexing.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

constexpr std::pair<PadMode, const char*> kNames[] = {{PadMode::kZero, "zero"},
                                                      {PadMode::kReflect, "reflect"},
                                                      {PadMode::kReplicate, "replicate"},
                                                      {PadMode::kCircular, "circular"}};

}  // namespace

const char* NameOf(PadMode mode) {
  for (const auto& [other, name] : kNames)
    if (other == mode) return name;
  Fail("unknown padding");
}

PadMode ParsePadMode(const std::string& name) {
  for (const auto& [mode, other] : kNames)
    if (name == other) return mode;
  Fail("unknown padding '", name, "'; known: zero, reflect, replicate, circular");
}

std::vector<int64_t> PadSources(int64_t n, int64_t before, int64_t after, PadMode mode) {
  const int64_t most = std::max(before, after);
  Check(n >= 0 && before >= 0 && after >= 0, "an axis of ", n, " elements cannot be padded by ", before, " and ",
        after);
  Check(mode != PadMode::kReflect || most == 0 || most < n, "an axis of ", n, " elements cannot be reflected by ",
        most);
  Check(mode != PadMode::kCircular || most <= n, "an axis of ", n, " elements cannot go round by ", most);
  Check(mode != PadMode::kReplicate || most == 0 || n > 0, "an axis without elements has none to repeat");
  std::vector<int64_t> sources;
  for (int64_t i = -before; i < n + after; ++i) {
    int64_t source = i;
    if (i < 0 || i >= n) {
      if (mode == PadMode::kZero) source = -1;
      if (mode == PadMode::kReflect) source = i < 0 ? -i : 2 * (n - 1) - i;
      if (mode == PadMode::kReplicate) source = i < 0 ? 0 : n - 1;
      if (mode == PadMode::kCircular) source = i < 0 ? i + n : i - n;
    }
    sources.push_back(source);
  }
  return sources;
}

Variable Pad(const Variable& x, int64_t axis, int64_t before, int64_t after, PadMode mode) {
  if (axis < 0) axis += x.rank();
  const int64_t n = x.value().dim(axis);
  const std::vector<int64_t> sources = PadSources(n, before, after, mode);
  if (before == 0 && after == 0) return x;
  if (mode == PadMode::kZero) {
    const auto zeros = [&](int64_t count) {
      Shape shape = x.shape();
      shape[axis] = count;
      return Variable(Tensor::Zeros(shape, x.dtype(), x.device()));
    };
    std::vector<Variable> parts;
    if (before > 0) parts.push_back(zeros(before));
    parts.push_back(x);
    if (after > 0) parts.push_back(zeros(after));
    return Concat(parts, axis);
  }
  std::vector<int64_t> axes(x.rank());
  for (int64_t i = 0; i < x.rank(); ++i) axes[i] = i;
  std::swap(axes[0], axes[axis]);
  const Tensor index = Tensor::From(sources, {static_cast<int64_t>(sources.size())}).To(x.device());
  return Permute(IndexSelect(Permute(x, axes), index), axes);
}

}  // namespace orbit
