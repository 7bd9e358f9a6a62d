// Pickles with storages outside of them, small ones.
#include "data/io/pickle.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(data, size, [](const FuzzInput& input) {
    const Pickle pickle(input.bytes, "input", [](const std::string&, DType dtype, int64_t count) {
      Check(count <= 64, "a storage of ", count, " elements");
      return Tensor::Zeros({count}, dtype);
    });
    pickle.root().Find("state_dict");
    for (const PickleValue* item : pickle.root().items) item->Find("x");
  });
}
