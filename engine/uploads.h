// Uploads: copies of input from the host to a device that run beside its kernels.
//
//   Uploads uploads(device);
//   // while step k runs, perhaps in another thread:
//   const Tensor x = uploads.Copy(examples);
//   const std::shared_ptr<Mark> copied = uploads.Record();
//   // before step k + 1:
//   if (copied) copied->HoldKernels();
#ifndef ORBIT_ENGINE_UPLOADS_H_
#define ORBIT_ENGINE_UPLOADS_H_

#include <deque>
#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/tensor.h"

namespace orbit {

// One thread at a time gives it copies, and no thread begins to capture the device meanwhile: a copy during a capture
// throws Error.
class Uploads {
 public:
  explicit Uploads(Device device);
  ~Uploads();  // what the device is given from then on runs after all copies
  Uploads(const Uploads&) = delete;

  // `host` on the device; itself where it is there already, or undefined. The host's memory may change at once; that on
  // the device is written after what the device has been given so far, and is to be read after a Mark.
  Tensor Copy(const Tensor& host);
  // Reached when all copies so far are done; null where there is nothing to wait for, as on the CPU.
  std::shared_ptr<Mark> Record();

 private:
  struct Batch {
    std::shared_ptr<Mark> done;
    std::vector<Tensor> tensors;
  };

  const Device device_;
  const std::unique_ptr<SideQueue> queue_;  // null: copies are done at once
  // Copies under way. Their memory is not to be others' before they are done, even if nobody reads it.
  std::vector<Tensor> copying_;
  std::deque<Batch> recorded_;
};

}  // namespace orbit

#endif  // ORBIT_ENGINE_UPLOADS_H_
