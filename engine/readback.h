// Readback: copies numbers from a device to the host without waiting.
#ifndef ORBIT_ENGINE_READBACK_H_
#define ORBIT_ENGINE_READBACK_H_

#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/tensor.h"

namespace orbit {

// The copies are queued behind all work that the device has so far. The host continues, and waits, if it must, only
// when it asks for the values.
class Readback {
 public:
  // Takes f32 or f64 tensors of one element each, on the host and at most one other device. They may change afterwards.
  explicit Readback(const std::vector<Tensor>& values);

  std::vector<double> Get() const;

 private:
  struct Part {
    bool on_host;
    DType dtype;
  };
  std::vector<Part> parts_;
  std::unique_ptr<PendingCopy> host_, device_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_READBACK_H_
