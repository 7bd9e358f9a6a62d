// Shuffles, votes and matrix fragments as rendezvous. The emulator, which is not instrumented, combines what the
// threads bring: as on a GPU, exchanging registers orders no memory.
#ifndef ORBIT_KERNELS_SIMT_WARP_H_
#define ORBIT_KERNELS_SIMT_WARP_H_

#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "kernels/simt/launch.h"

namespace orbit::kernels::simt {

// The bits that lane `from` brings; a poisoned value if that lane takes no part.
uint64_t ShuffleBits(const char* what, uint32_t mask, uint64_t bits, int from, std::source_location where);

template <class T>
T Shuffle(const char* what, uint32_t mask, T value, int from, std::source_location where) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = ShuffleBits(what, mask, bits, from, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

uint32_t Ballot(const char* what, uint32_t mask, bool predicate, std::source_location where);

// A barrier of the block that counts the threads with a true predicate.
int CountInBlock(const char* what, bool predicate, std::source_location where);

void Fence();

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_WARP_H_
