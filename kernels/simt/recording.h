// Recording: keeps work, with its current arguments, to do it later, as a CUDA stream does while it is being captured.
// What goes wrong in a CUDA graph goes wrong here, too: host values that have changed since, memory that now belongs to
// others.
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
