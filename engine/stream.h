// The CUDA stream on which all of a device's kernels are queued.
#ifndef ORBIT_ENGINE_STREAM_H_
#define ORBIT_ENGINE_STREAM_H_

#include "engine/device.h"
#include "kernels/device.h"

namespace orbit {

// The stream of `device`, a GPU, which becomes the calling thread's current device.
kernels::Cuda StreamOf(Device device);

}  // namespace orbit

#endif  // ORBIT_ENGINE_STREAM_H_
