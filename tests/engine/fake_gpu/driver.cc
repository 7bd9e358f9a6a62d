// A substitute for the NVIDIA driver's library, as CUDA's runtime library loads it. FAKE_DRIVER_VERSION is its CUDA
// version, such as 12040, and FAKE_DRIVER_INIT the error of cuInit. It provides nothing else to the runtime library.
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

int Setting(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value ? std::atoi(value) : otherwise;
}

constexpr int kNotSupported = 801;

}  // namespace

extern "C" {

int cuInit(unsigned) { return Setting("FAKE_DRIVER_INIT", 100); }

int cuDriverGetVersion(int* version) {
  *version = Setting("FAKE_DRIVER_VERSION", 99000);
  return 0;
}

int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return kNotSupported;
}

int cuGetProcAddress_v2(const char* symbol, void** function, int, uint64_t, int* status) {
  const std::string_view name = symbol;
  *function = name == "cuInit"               ? reinterpret_cast<void*>(cuInit)
              : name == "cuDriverGetVersion" ? reinterpret_cast<void*>(cuDriverGetVersion)
              : name == "cuGetExportTable"   ? reinterpret_cast<void*>(cuGetExportTable)
              : name == "cuGetProcAddress"   ? reinterpret_cast<void*>(cuGetProcAddress_v2)
                                             : reinterpret_cast<void*>(+[] { return kNotSupported; });
  if (status) *status = 0;
  return 0;
}

int cuGetProcAddress(const char* symbol, void** function, int version, uint64_t flags) {
  return cuGetProcAddress_v2(symbol, function, version, flags, nullptr);
}

}  // extern "C"
