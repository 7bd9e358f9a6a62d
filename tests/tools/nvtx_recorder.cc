// A library that NVTX loads (NVTX_INJECTION64_PATH). It writes a line for every range that is opened, indented by its
// depth, to the file named by NVTX_RECORD, and at the end the number of ranges that are still open.
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#include <cstdlib>

namespace {

FILE* record = nullptr;
thread_local int depth = 0;

int OnPush(const char* name) {
  if (record) std::fprintf(record, "%*s%s\n", 2 * depth, "", name);
  return depth++;
}

int OnPop() { return --depth; }

void Finish() {
  if (!record) return;
  std::fprintf(record, "%d open\n", depth);
  std::fclose(record);
}

}  // namespace

extern "C" int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t get_export_table) {
  const char* file = std::getenv("NVTX_RECORD");
  record = file ? std::fopen(file, "w") : nullptr;
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(get_export_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  if (!record || !callbacks || !callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size)) return 0;
  *table[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(OnPush);
  *table[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(OnPop);
  std::atexit(Finish);
  return 1;
}
