// Reductions over ranks on the host.
#ifndef ORBIT_ENGINE_DISTRIBUTED_REDUCE_PARTS_H_
#define ORBIT_ENGINE_DISTRIBUTED_REDUCE_PARTS_H_

#include <cstdint>
#include <vector>

#include "engine/distributed/communicator.h"

namespace orbit {

// Writes the sum, minimum or maximum of the parts, in their order, to `out`, which may be one of them: all are arrays
// of `size` elements. Sums of bf16 are taken in f32 and rounded once. A NaN in any part is one in the result.
void ReduceParts(ReduceOp op, DType dtype, const std::vector<const void*>& parts, int64_t size, void* out);

}  // namespace orbit

#endif  // ORBIT_ENGINE_DISTRIBUTED_REDUCE_PARTS_H_
