// The emulator's stream: does what it is given one after the other, in a thread of its own.
#ifndef ORBIT_ENGINE_SIMT_QUEUE_H_
#define ORBIT_ENGINE_SIMT_QUEUE_H_

#include <functional>
#include <memory>

#include "engine/backend.h"

namespace orbit {

// What stands for a cudaStream_t on the emulator: a library that is a double of one of NVIDIA's casts the stream that
// it is given to a SimtStream*. While `work` runs, the emulator's memory is accessible.
class SimtStream {
 public:
  virtual ~SimtStream() = default;
  virtual void Submit(std::function<void()> work) = 0;
};

std::unique_ptr<SideQueue> MakeSimtQueue();

}  // namespace orbit

#endif  // ORBIT_ENGINE_SIMT_QUEUE_H_
