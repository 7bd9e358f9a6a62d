// Shuffles, votes and matrix fragments as rendezvous. What the threads bring is combined by the emulator, which is not
// instrumented: as on a GPU, an exchange of registers orders no memory.
#ifndef ORBIT_KERNELS_SIMT_WARP_H_
#define ORBIT_KERNELS_SIMT_WARP_H_

#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "kernels/simt/launch.h"

namespace orbit::kernels::simt {

// The bits of lane `from`; a poisoned value where that lane takes no part.
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

// How many threads of the block say yes; a barrier of the block besides.
int CountInBlock(const char* what, bool predicate, std::source_location where);

void Fence();

}  // namespace orbit::kernels::simt

#endif  // ORBIT_KERNELS_SIMT_WARP_H_
