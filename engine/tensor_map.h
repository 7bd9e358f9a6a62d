// Tensors by name: the parameters of a module, the state of an optimiser, the contents of a file.
#ifndef ORBIT_ENGINE_TENSOR_MAP_H_
#define ORBIT_ENGINE_TENSOR_MAP_H_

#include <map>
#include <string>

#include "engine/tensor.h"

namespace orbit {

using TensorMap = std::map<std::string, Tensor>;

struct CopyOptions {
  bool allow_missing = false;     // destinations without a source keep their values
  bool allow_unexpected = false;  // sources without a destination are ignored
};

// Copies every source to the destination of the same name, across devices and converting between f32, f64 and bf16. If
// a name is missing or unexpected, or shapes or kinds of dtype differ, throws Error with all such names before anything
// is copied; `what` says what is being copied.
void CopyTensors(const std::string& what, const TensorMap& sources, const TensorMap& destinations,
                 CopyOptions options = {});

}  // namespace orbit

#endif  // ORBIT_ENGINE_TENSOR_MAP_H_
