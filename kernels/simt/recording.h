// Recording: work that is kept to be done later, with the arguments it was given now, as a CUDA stream keeps it that is
// being captured. What a CUDA graph gets wrong, a number of the host that has changed since or memory that others have
// by now, goes as wrong here.
#ifndef ORBIT_KERNELS_SIMT_RECORDING_H_
#define ORBIT_KERNELS_SIMT_RECORDING_H_

#include <functional>
#include <utility>
#include <vector>

namespace orbit::kernels::simt {

using Recording = std::vector<std::function<void()>>;

extern constinit thread_local Recording* recording;  // null: work is done at once

// Does the work, or records it.
template <class Work>
void Submit(Work&& work) {
  if (recording)
    recording->emplace_back(std::forward<Work>(work));
  else
    work();
}

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_RECORDING_H_
