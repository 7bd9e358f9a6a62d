// Learning-rate schedules: a factor on the base learning rate for each step.
#ifndef ORBIT_ENGINE_OPTIM_SCHEDULE_H_
#define ORBIT_ENGINE_OPTIM_SCHEDULE_H_

#include <cstdint>
#include <string>

namespace orbit::optim {

enum class Decay : uint8_t { kConstant, kLinear, kCosine, kPolynomial, kSquareRoot, kOneCycle };

// "constant", "linear", "cosine", "polynomial", "square_root" or "one_cycle"; otherwise throws Error, listing these.
Decay ParseDecay(const std::string& name);

// Let w = warmup_steps, T = total_steps and e = final_factor. The factor of step t = 0, 1, ... is (t + 1) / w while t <
// w. Then it decays with the progress p = min(1, (t - w) / (T - w)):
//   constant     1
//   linear       1 + (e - 1) p
//   cosine       e + (1 - e) (1 + cos(pi p)) / 2
//   polynomial   e + (1 - e) (1 - p)^power
//   square_root  sqrt(max(w, 1) / (t + 1))
// One-cycle (Smith and Topin 2017) is PyTorch's OneCycleLR with cosine annealing: the factor rises from 1 / 25 to 1
// during the warm-up (if warmup_steps is 0, the first 30 % of the steps) and falls to 1 / 250,000 at the last step.
struct Schedule {
  Decay decay = Decay::kConstant;
  int64_t warmup_steps = 0;
  int64_t total_steps = 0;  // required, except for constant and square root
  double final_factor = 0;
  double power = 1;

  // Throws Error for a negative step, and if total_steps is required but not greater than warmup_steps.
  double Factor(int64_t step) const;
};

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_SCHEDULE_H_
