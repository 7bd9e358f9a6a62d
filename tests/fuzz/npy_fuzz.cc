// NumPy's .npy files.
#include "data/io/npy.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(data, size, [](const FuzzInput& input) { ParseNpy(input.bytes, "input"); });
}
