// Where this machine keeps what would take time to make again.
#ifndef ORBIT_KERNELS_CACHE_DIRECTORY_H_
#define ORBIT_KERNELS_CACHE_DIRECTORY_H_

#include <string>

namespace orbit {

// $ORBIT_CACHE, else $XDG_CACHE_HOME/orbit, else ~/.cache/orbit. It need not exist.
std::string CacheDirectory();

}  // namespace orbit

#endif  // ORBIT_KERNELS_CACHE_DIRECTORY_H_
