#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/error.h"

namespace orbit::optim {
namespace {

constexpr std::pair<const char*, Decay> kDecays[] = {
    {"constant", Decay::kConstant},     {"linear", Decay::kLinear},          {"cosine", Decay::kCosine},
    {"polynomial", Decay::kPolynomial}, {"square_root", Decay::kSquareRoot}, {"one_cycle", Decay::kOneCycle},
};

// Cosine from `start` at progress 0 to `end` at progress 1.
double Cosine(double start, double end, double progress) {
  return end + (start - end) * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

// As in PyTorch, the turning points need not be whole steps.
double OneCycle(int64_t step, int64_t warmup_steps, int64_t total_steps) {
  constexpr double kInitial = 1.0 / 25, kFinal = kInitial / 1e4;
  const double peak = (warmup_steps > 0 ? static_cast<double>(warmup_steps) : 0.3 * total_steps) - 1;
  const double last = static_cast<double>(total_steps - 1);
  const double t = std::min(static_cast<double>(step), last);
  return t < peak ? Cosine(kInitial, 1, t / peak) : Cosine(1, kFinal, (t - peak) / (last - peak));
}

}  // namespace

Decay ParseDecay(const std::string& name) {
  std::string names;
  for (const auto& [known, decay] : kDecays) {
    if (name == known) return decay;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  Fail("no learning-rate schedule is called '", name, "'; there are ", names);
}

double Schedule::Factor(int64_t step) const {
  Check(step >= 0 && warmup_steps >= 0, "a learning-rate schedule at step ", step, " with ", warmup_steps,
        " steps of warm-up");
  Check(decay == Decay::kConstant || decay == Decay::kSquareRoot || total_steps > warmup_steps,
        "a learning-rate schedule of ", total_steps, " steps, ", warmup_steps, " of them warm-up");
  if (decay == Decay::kOneCycle) return OneCycle(step, warmup_steps, total_steps);
  if (step < warmup_steps) return static_cast<double>(step + 1) / warmup_steps;
  const double progress = std::min(1.0, static_cast<double>(step - warmup_steps) / (total_steps - warmup_steps));
  switch (decay) {
    case Decay::kLinear:
      return 1 + (final_factor - 1) * progress;
    case Decay::kCosine:
      return Cosine(1, final_factor, progress);
    case Decay::kPolynomial:
      return final_factor + (1 - final_factor) * std::pow(1 - progress, power);
    case Decay::kSquareRoot:
      return std::sqrt(std::max<double>(warmup_steps, 1) / (step + 1));
    default:
      return 1;
  }
}

}  // namespace orbit::optim
