// Sums of gradients.
#ifndef ORBIT_ENGINE_ACCUMULATE_H_
#define ORBIT_ENGINE_ACCUMULATE_H_

#include "engine/tensor.h"

namespace orbit {

// sum + term, in place where `sum` is the only handle to its storage; `term` itself where `sum` is undefined.
Tensor Accumulate(Tensor sum, const Tensor& term);

}  // namespace orbit

#endif  // ORBIT_ENGINE_ACCUMULATE_H_
