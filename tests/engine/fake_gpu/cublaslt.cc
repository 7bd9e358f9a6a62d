// A substitute for cuBLASLt, for a fake GPU that computes nothing (runtime.cc). Every call succeeds, except for what
// the environment asks for:
//
//   FAKE_CUBLASLT_FUSED      the heuristic's status for products with an epilogue, by number
//   FAKE_CUBLASLT_NO_FUSED   the heuristic finds no algorithm for them, and says so without an error
//   FAKE_CUBLASLT_PLAIN      the heuristic's status for products without one
//   FAKE_CUBLASLT_PRODUCT    the status of every product
//   FAKE_CUBLASLT_ALGORITHMS the number of algorithms that the heuristic finds, 1 unless set
//   FAKE_CUBLASLT_FASTEST    the number, from 1, of the one that takes no time; others take 3 ms. Else none takes any
//   FAKE_CUBLASLT_LOG        the file to which a line is added for every product: the number of its algorithm, and
//                            "=" if what it is added to is in the result's place
//   FAKE_CUBLASLT_VERSION    its version
#include <cublasLt.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace {

int Setting(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value ? std::atoi(value) : otherwise;
}

cublasStatus_t Status(const char* name) { return static_cast<cublasStatus_t>(Setting(name, 0)); }

struct Operation {
  bool fused = false;
};

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(0x100);
  return CUBLAS_STATUS_SUCCESS;
}
size_t cublasLtGetVersion() { return static_cast<size_t>(Setting("FAKE_CUBLASLT_VERSION", CUBLAS_VERSION)); }
const char* cublasLtGetStatusString(cublasStatus_t) { return "a status"; }
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*, cublasLtMatrixLayout_t,
                              const void*, cublasLtMatrixLayout_t, const void*, const void* c, cublasLtMatrixLayout_t,
                              void* d, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t* algorithm, void*, size_t,
                              cudaStream_t) {
  const auto number = static_cast<int>(algorithm->data[0]);
  if (const char* path = std::getenv("FAKE_CUBLASLT_LOG"))
    std::ofstream(path, std::ios::app) << number << (c == d ? " =" : "") << '\n';
  if (Setting("FAKE_CUBLASLT_FASTEST", number) != number) std::this_thread::sleep_for(std::chrono::milliseconds(3));
  return Status("FAKE_CUBLASLT_PRODUCT");
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
  const bool fused = reinterpret_cast<Operation*>(operation)->fused;
  *found =
      fused && std::getenv("FAKE_CUBLASLT_NO_FUSED") ? 0 : std::min(wanted, Setting("FAKE_CUBLASLT_ALGORITHMS", 1));
  for (int i = 0; i < wanted; ++i) {
    results[i] = {};
    results[i].algo.data[0] = static_cast<uint64_t>(i + 1);
  }
  return Status(fused ? "FAKE_CUBLASLT_FUSED" : "FAKE_CUBLASLT_PLAIN");
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t, cudaDataType_t) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute,
                                              const void*, size_t) {
  if (attribute == CUBLASLT_MATMUL_DESC_EPILOGUE) reinterpret_cast<Operation*>(operation)->fused = true;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType, uint64_t, uint64_t, int64_t) {
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(0x300);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t, cublasLtMatrixLayoutAttribute_t, const void*,
                                                size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = reinterpret_cast<cublasLtMatmulPreference_t>(0x400);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t,
                                                    const void*, size_t) {
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
