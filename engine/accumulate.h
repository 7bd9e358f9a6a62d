// Accumulation of gradients.
#ifndef ORBIT_ENGINE_ACCUMULATE_H_
#define ORBIT_ENGINE_ACCUMULATE_H_

#include "engine/tensor.h"

namespace orbit {

// Returns sum + term, computed in place if `sum` is the only handle to its storage. If `sum` is undefined, returns
// `term`.
Tensor Accumulate(Tensor sum, const Tensor& term);

}  // namespace orbit

#endif  // ORBIT_ENGINE_ACCUMULATE_H_
