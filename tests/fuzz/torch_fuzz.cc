// Files of pickle.dump, and of torch.save in both formats, with their archives and tensors.
#include "data/io/pickle_file.h"
#include "tests/fuzz/fuzz.h"

// For unpacked entries, and a tensor of the largest size with the buffers of its conversion (data/io/byte_budget.h).
constexpr int64_t kUnpackedAndConverted = int64_t{192} << 20;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(
      data, size,
      [](const FuzzInput& input) {
        const PickleFile file(input.bytes, "input");
        for (const PickleValue& value : file.pickle().values()) try {
            if (IsTensor(value)) file.ToTensor(value);
          } catch (const Error&) {
          }
      },
      kFixedBytes + kUnpackedAndConverted);
}
