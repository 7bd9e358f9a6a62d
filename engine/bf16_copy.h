// BF16Copy: a parameter of f32 rounded to bf16, which is converted only when it has changed.
#ifndef ORBIT_ENGINE_BF16_COPY_H_
#define ORBIT_ENGINE_BF16_COPY_H_

#include <memory>
#include <mutex>

#include "engine/tensor.h"

namespace orbit {

// Its bits are those of a conversion at each use. A change is whatever Tensor::version() counts, a view of another
// shape, and every launch of captured work on the device; the work itself may use the copy and write it, too
// (engine/capture.h). Made by Variable::KeepBF16().
class BF16Copy : public std::enable_shared_from_this<BF16Copy> {
 public:
  // `value`, of f32, in bf16. The copy is made at the first call, outside of captures. What this returns is the copy
  // itself and changes with the parameter: a node that keeps it for backward reads the weights as of that backward, so
  // a step of the optimiser between a forward and its backward is seen by the latter, as it is in f32.
  Tensor Of(const Tensor& value);

  // For a kernel that changes `value`: the copy, for it to write as well, or undefined where there is none or it is not
  // up to date. To be asked before the address of `value` is.
  Tensor ToUpdate(const Tensor& value);
  // The kernel has been queued: what ToUpdate gave is up to date, now or after each launch of the work that is being
  // captured, unless that changes the value again.
  void Updated(const Tensor& value);

 private:
  struct Stamp {
    Shape shape;  // views of the same storage at the same place have one version
    Tensor::Version version;
    int64_t launches = -1;

    bool operator==(const Stamp&) const = default;
  };
  static Stamp StampOf(const Tensor& value);
  void Refresh(const Tensor& value);
  Tensor ForCapture(const Tensor& value);

  std::recursive_mutex mutex_;
  Tensor copy_;
  Stamp stamp_;  // of the value that the copy is of
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_BF16_COPY_H_
