// A substitute for cuBLASLt, for a fake GPU that computes nothing (runtime.cc). Every call succeeds, except for what
// the environment asks for:
//
//   FAKE_CUBLASLT_FUSED      the heuristic's status for products with an epilogue, by number
//   FAKE_CUBLASLT_NO_FUSED   the heuristic finds no algorithm for them, and says so without an error
//   FAKE_CUBLASLT_PLAIN      the heuristic's status for products without one
//   FAKE_CUBLASLT_PRODUCT    the status of every product
#include <cublasLt.h>

#include <cstdlib>

namespace {

cublasStatus_t Status(const char* name) {
  const char* value = std::getenv(name);
  return static_cast<cublasStatus_t>(value ? std::atoi(value) : 0);
}

struct Operation {
  bool fused = false;
};

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(0x100);
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasLtGetStatusString(cublasStatus_t) { return "a status"; }
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*, cublasLtMatrixLayout_t,
                              const void*, cublasLtMatrixLayout_t, const void*, const void*, cublasLtMatrixLayout_t,
                              void*, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t) {
  return Status("FAKE_CUBLASLT_PRODUCT");
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t* result,
                                              int* found) {
  const bool fused = reinterpret_cast<Operation*>(operation)->fused;
  *result = {};
  *found = !(fused && std::getenv("FAKE_CUBLASLT_NO_FUSED"));
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
