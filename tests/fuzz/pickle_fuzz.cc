// Pickles as trees of values.
#include "data/io/pickle.h"
#include "tests/fuzz/fuzz.h"

// For names and sets that are copied (data/io/byte_budget.h).
constexpr int64_t kCopies = int64_t{20} << 20;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(
      data, size,
      [](const FuzzInput& input) {
        const Pickle pickle(input.bytes, "input");
        pickle.root().Find("state_dict");
        for (const PickleValue& value : pickle.values()) {
          if ((value.kind == PickleValue::Kind::kObject) != (value.type != nullptr)) __builtin_trap();
          Describe(value);
          value.Find("x");
        }
      },
      kFixedBytes + kCopies);
}
