// Readback: numbers on their way from a device to the host.
#ifndef ORBIT_ENGINE_READBACK_H_
#define ORBIT_ENGINE_READBACK_H_

#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/tensor.h"

namespace orbit {

// The copies are queued behind what the device has been given so far; the host goes on, and waits, where it has to,
// when it asks for the values.
class Readback {
 public:
  // f32 or f64 tensors of one element each; those that are not on the host, on one device. They may change afterwards.
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
