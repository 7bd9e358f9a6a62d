// The exception that the engine throws. Its message says what was wrong, where, and the values.
#ifndef ORBIT_KERNELS_ERROR_H_
#define ORBIT_KERNELS_ERROR_H_

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace orbit {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws an Error with the arguments written one after the other, as to a stream.
template <class... Args>
[[noreturn]] void Fail(Args&&... args) {
  std::ostringstream message;
  (message << ... << std::forward<Args>(args));
  throw Error(message.str());
}

template <class... Args>
void Check(bool condition, Args&&... args) {
  if (!condition) [[unlikely]]
    Fail(std::forward<Args>(args)...);
}

}  // namespace orbit

#endif  // ORBIT_KERNELS_ERROR_H_
