#ifndef ORBIT_DATA_SHARE_DONE_H_
#define ORBIT_DATA_SHARE_DONE_H_

#include <functional>

namespace orbit {

// Called from time to time with the share of long work that is done, in [0, 1], by one thread at a time.
using ShareDone = std::function<void(double)>;

}  // namespace orbit

#endif  // ORBIT_DATA_SHARE_DONE_H_
