// What every reader of foreign files promises, checked on one input of libFuzzer.
#ifndef ORBIT_TESTS_FUZZ_FUZZ_H_
#define ORBIT_TESTS_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace orbit {

// An input, as readers want it.
struct FuzzInput {
  std::span<const std::byte> bytes;
  std::string_view text;
};

inline constexpr int64_t kFixedBytes = 1 << 18, kBytesPerByte = 1024;

// Has `read` read the input. It may throw Error and nothing else; must never hold more than `fixed_bytes` plus
// kBytesPerByte for each byte of the input; and must leave no memory behind. Ends the process where it does otherwise.
// Returns 0, as libFuzzer wants.
int Fuzz(const uint8_t* data, size_t size, const std::function<void(const FuzzInput&)>& read,
         int64_t fixed_bytes = kFixedBytes);

}  // namespace orbit

#endif  // ORBIT_TESTS_FUZZ_FUZZ_H_
