// Readback: copies numbers from a device to the host without waiting.
#ifndef ORBIT_ENGINE_READBACK_H_
#define ORBIT_ENGINE_READBACK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/tensor.h"

namespace orbit {

// The copies are queued behind all work that the device has so far. The host continues, and waits, if it must, only
// when it asks for the values.
class Readback {
 public:
  Readback() = default;  // of nothing
  // Takes f32 or f64 tensors, on the host and at most one other device. They may change afterwards.
  explicit Readback(const std::vector<Tensor>& values);

  // Their elements, one tensor after the other.
  std::vector<double> Get() const;

 private:
  struct Part {
    bool on_host;
    DType dtype;
    int64_t size;
  };
  std::vector<Part> parts_;
  std::unique_ptr<PendingCopy> host_, device_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_READBACK_H_
