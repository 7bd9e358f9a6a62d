// Checks, on one input of libFuzzer, what every reader of foreign files promises.
#ifndef ORBIT_TESTS_FUZZ_FUZZ_H_
#define ORBIT_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace orbit {

// An input in the forms that readers take.
struct FuzzInput {
  std::span<const std::byte> bytes;
  std::string_view text;
};

inline constexpr int64_t kFixedBytes = 1 << 18, kBytesPerByte = 1024;

// Lets `read` read the input. It may throw only Error, must never hold more than `fixed_bytes` plus kBytesPerByte per
// byte of the input, and must not leak memory. Ends the process otherwise. Returns 0, as libFuzzer requires.
int Fuzz(const uint8_t* data, size_t size, const std::function<void(const FuzzInput&)>& read,
         int64_t fixed_bytes = kFixedBytes);

}  // namespace orbit

#endif  // ORBIT_TESTS_FUZZ_FUZZ_H_
