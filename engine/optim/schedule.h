// Learning-rate schedules: a factor of the base learning rate for each step.
#ifndef ORBIT_ENGINE_OPTIM_SCHEDULE_H_
#define ORBIT_ENGINE_OPTIM_SCHEDULE_H_

#include <cstdint>
#include <string>

namespace orbit::optim {

enum class Decay : uint8_t { kConstant, kLinear, kCosine, kPolynomial, kSquareRoot, kOneCycle };

// "constant", "linear", "cosine", "polynomial", "square_root", "one_cycle"; throws Error, naming them, for others.
Decay ParseDecay(const std::string& name);

// With w = warmup_steps and T = total_steps, the factor of step t = 0, 1, ... is, while t < w, (t + 1) / w. From then
// on it decays; with p = (t - w) / (T - w) the progress, at most 1, and e = final_factor:
//   constant     1
//   linear       1 + (e - 1) p
//   cosine       e + (1 - e) (1 + cos(pi p)) / 2
//   polynomial   e + (1 - e) (1 - p)^power
//   square_root  sqrt(max(w, 1) / (t + 1))
// One-cycle (Smith and Topin 2017) is PyTorch's OneCycleLR with cosine annealing: the factor rises from 1 / 25 to 1 in
// the warm-up (where it is 0, the first 30 % of the steps) and falls to 1 / 250,000 at the last step.
struct Schedule {
  Decay decay = Decay::kConstant;
  int64_t warmup_steps = 0;
  int64_t total_steps = 0;  // needed by all but constant and square root
  double final_factor = 0;
  double power = 1;

  // Throws Error for a negative step, and where total_steps is needed and not more than warmup_steps.
  double Factor(int64_t step) const;
};

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_SCHEDULE_H_
