// A recorded case of the reference implementation, and its comparison with a run of ours.
#ifndef ORBIT_TESTS_PARITY_PARITY_CASE_H_
#define ORBIT_TESTS_PARITY_PARITY_CASE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace orbit::parity {

// The format is described in tests/goldens/README.md.
struct Case {
  std::string path;
  nlohmann::json spec;
  TensorMap tensors;  // by their full names, such as "in/target"
  DType dtype;        // that the run computes in
  Device device;

  // The tensor, converted to `dtype` if it is floating-point and moved to `device`. Throws Error if there is none.
  Tensor Get(const std::string& name) const;
  bool Has(const std::string& name) const { return tensors.count(name) > 0; }
  // All tensors whose names start with a prefix such as "param/", without the prefix, as they are in the file.
  TensorMap Group(const std::string& prefix) const;
  // Loads param/ and buffer/, or their parts below `part`, into the module, moves it to dtype and device, and sets
  // training or evaluation mode.
  void Load(nn::Module& module, bool train, const std::string& part = "") const;
};

struct Difference {
  std::string name;
  double error;  // |ours - reference| / |reference| in the l2 norm; absolute where the reference is 0
};

struct Report {
  std::vector<Difference> outputs, gradients;

  // Compares with the recorded tensor of this name; throws Error when the shapes differ.
  void CompareOutput(const Case& recorded, const std::string& name, const Tensor& ours);
  // Compares all gradients (grad/) and, where recorded, the buffers after the run (buffer_after/).
  void CompareState(const Case& recorded, const nn::Module& module);
};

Case ReadCase(const std::string& path, DType dtype, Device device);

// The l2 distance relative to the reference or, if that is 0 up to rounding, to max(1, scale).
double RelativeError(const Tensor& ours, const Tensor& reference, double scale = 1);

// One function per kind of task.
Report RunNBody(const Case& recorded);
Report RunEgnn(const Case& recorded);
Report RunGraph(const Case& recorded);       // graph separation
Report RunGraphImage(const Case& recorded);  // vision transformers on graphs

}  // namespace orbit::parity

#endif  // ORBIT_TESTS_PARITY_PARITY_CASE_H_
