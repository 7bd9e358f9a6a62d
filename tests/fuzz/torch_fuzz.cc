// Files of torch.save, both formats, and the archives that they are.
#include "data/io/torch_file.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(data, size, [](const FuzzInput& input) {
    const TorchFile file(input.bytes, "input");
    file.root().Find("state_dict");
  });
}
