#include "engine/training/loss.h"

#include "engine/ops/elementwise.h"

namespace orbit {

Variable Total(const std::vector<LossPart>& parts) {
  Check(!parts.empty(), "a loss without parts");
  Variable total;
  for (const LossPart& part : parts) {
    Check(part.denominator > 0, "the denominator of the loss's part '", part.name, "' is ", part.denominator);
    if (part.weight == 0) continue;
    const Variable term = Scale(part.sum, part.weight / part.denominator);
    total = total.defined() ? Add(total, term) : term;
  }
  Check(total.defined(), "all parts of the loss have weight 0");
  return total;
}

}  // namespace orbit
