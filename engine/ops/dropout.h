// Dropout (Srivastava et al., JMLR 2014).
#ifndef ORBIT_ENGINE_OPS_DROPOUT_H_
#define ORBIT_ENGINE_OPS_DROPOUT_H_

#include "engine/random.h"
#include "engine/variable.h"

namespace orbit {

// Every element 0 with probability p, 0 <= p < 1, else divided by 1 - p. Nothing is stored: the backward draws again.
// f32, f64, bf16. Where p is 0, x itself, and the generator stays where it is. x is of the generator's rows and
// samples.
Variable Dropout(const Variable& x, double p, Generator& generator);

}  // namespace orbit

#endif  // ORBIT_ENGINE_OPS_DROPOUT_H_
