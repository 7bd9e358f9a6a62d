// Tables as text, compressed or not.
#include "data/io/csv.h"
#include "tests/fuzz/fuzz.h"

// A record may be as long as what a small file unpacks to (data/io/byte_budget.h), and strings double.
constexpr int64_t kRecordBytes = int64_t{64} << 20;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace orbit;
  return Fuzz(
      data, size,
      [](const FuzzInput& input) {
        CsvReader table(input.bytes, "input");
        int64_t line = table.line();
        while (table.Next()) {
          if (table.line() <= line) __builtin_trap();
          line = table.line();
          for (size_t i = 0; i < table.columns().size(); ++i) table.Field(i);
        }
      },
      kRecordBytes);
}
