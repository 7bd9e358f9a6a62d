#ifdef ORBIT_CUDA

#include "kernels/cuda/cublas.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "kernels/alternatives.h"
#include "kernels/cache_directory.h"
#include "kernels/cuda/algorithm_file.h"
#include "kernels/cuda/runtime.h"
#include "kernels/cuda/shared_library.h"
#include "kernels/error.h"

namespace orbit::kernels {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32} << 20;  // NVIDIA's recommendation for Hopper
constexpr int kMostCandidates = 8;                    // algorithms that are timed
constexpr int kRepetitions = 3;                       // of each, the fastest of which counts
constexpr int kProductsAtOnce = 4;  // per repetition, so that launches of all but one overlap with products

struct Library {
  SharedLibrary file{"libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR)};
#define ORBIT_FUNCTION(NAME) decltype(&cublasLt##NAME) NAME = file.Get<decltype(&cublasLt##NAME)>("cublasLt" #NAME)
  ORBIT_FUNCTION(Create);
  ORBIT_FUNCTION(GetStatusString);
  ORBIT_FUNCTION(GetVersion);
  ORBIT_FUNCTION(Matmul);
  ORBIT_FUNCTION(MatmulAlgoGetHeuristic);
  ORBIT_FUNCTION(MatmulDescCreate);
  ORBIT_FUNCTION(MatmulDescSetAttribute);
  ORBIT_FUNCTION(MatrixLayoutCreate);
  ORBIT_FUNCTION(MatrixLayoutSetAttribute);
  ORBIT_FUNCTION(MatmulPreferenceCreate);
  ORBIT_FUNCTION(MatmulPreferenceDestroy);
  ORBIT_FUNCTION(MatmulPreferenceSetAttribute);
#undef ORBIT_FUNCTION

  void Check(cublasStatus_t status, const char* what) const {
    if (status != CUBLAS_STATUS_SUCCESS) Fail("cuBLASLt, ", what, ": ", GetStatusString(status));
  }
};

const Library& TheLibrary() {
  static const Library library;
  return library;
}

template <class T>
constexpr cudaDataType_t kTypeOf = std::is_same_v<T, double>     ? CUDA_R_64F
                                   : std::is_same_v<T, BFloat16> ? CUDA_R_16BF
                                                                 : CUDA_R_32F;

// All that a product's algorithm depends on.
struct Problem {
  int device;
  cudaDataType_t type, result_type;
  bool adds;
  CublasEpilogue::Kind epilogue;
  Transpose transpose_a, transpose_b;
  int64_t m, n, k, batch, a_stride, b_stride, c_stride;
  int alignment_a, alignment_b, alignment_c, alignment_start, alignment_bias, alignment_gelu;
  Precision precision;

  auto operator<=>(const Problem&) const = default;
};

// Descriptors and algorithm of a product; plans live as long as the process. cuBLASLt's matrices are column-major, in
// which a row-major matrix is its transpose, so it computes C^T = op(B)^T op(A)^T.
class Plan {
 public:
  Plan(cublasLtHandle_t handle, const Problem& p, const CublasEpilogue& epilogue) {
    const Library& lt = TheLibrary();
    const cudaDataType_t sums = p.type == CUDA_R_64F ? CUDA_R_64F : CUDA_R_32F;
    const cublasComputeType_t compute = p.type == CUDA_R_64F              ? CUBLAS_COMPUTE_64F
                                        : p.type == CUDA_R_16BF           ? CUBLAS_COMPUTE_32F
                                        : p.precision == Precision::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                        : p.precision == Precision::kBf16 ? CUBLAS_COMPUTE_32F_FAST_16BF
                                                                          : CUBLAS_COMPUTE_32F;
    lt.Check(lt.MatmulDescCreate(&operation, compute, sums), "descriptor");
    const bool ta = p.transpose_a == Transpose::kYes, tb = p.transpose_b == Transpose::kYes;
    Set(CUBLASLT_MATMUL_DESC_TRANSA, tb ? CUBLAS_OP_T : CUBLAS_OP_N);
    Set(CUBLASLT_MATMUL_DESC_TRANSB, ta ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (p.epilogue != CublasEpilogue::kNone) Set(CUBLASLT_MATMUL_DESC_EPILOGUE, EpilogueOf(p.epilogue));
    SetPointers(epilogue);  // the heuristic considers their alignment
    if (epilogue.gelu_input) Set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, p.n);
    left = Layout(p.type, tb ? p.k : p.n, tb ? p.n : p.k, p.batch, p.b_stride);
    right = Layout(p.type, ta ? p.m : p.k, ta ? p.k : p.m, p.batch, p.a_stride);
    result = Layout(p.result_type, p.n, p.m, p.batch, p.c_stride);

    cublasLtMatmulPreference_t preference = nullptr;
    lt.Check(lt.MatmulPreferenceCreate(&preference), "preference");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      lt.Check(lt.MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)), "preference");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kWorkspaceBytes});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<uint32_t>(p.alignment_b));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<uint32_t>(p.alignment_a));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<uint32_t>(p.alignment_start));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<uint32_t>(p.alignment_c));
    candidates.resize(IsUsed(Alternative::kTimedMatmul) ? kMostCandidates : 1);
    int found = 0;
    const cublasStatus_t status =
        lt.MatmulAlgoGetHeuristic(handle, operation, left, right, result, result, preference,
                                  static_cast<int>(candidates.size()), candidates.data(), &found);
    lt.MatmulPreferenceDestroy(preference);
    if (!IsRefusal(status, p.epilogue)) lt.Check(status, "heuristic");
    candidates.resize(status == CUBLAS_STATUS_SUCCESS ? found : 0);
    std::erase_if(candidates, [](const Algorithm& a) { return a.state != CUBLAS_STATUS_SUCCESS; });
    is_there = !candidates.empty();
    if (is_there) algorithm = candidates[0];
  }

  // Whether cuBLASLt says that it does not do such a product, instead of that it failed. It also calls a combination of
  // types, layouts and epilogue that it does not do an invalid value.
  static bool IsRefusal(cublasStatus_t status, CublasEpilogue::Kind epilogue) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH ||
           (status == CUBLAS_STATUS_INVALID_VALUE && epilogue != CublasEpilogue::kNone);
  }

  void SetPointers(const CublasEpilogue& epilogue) {
    if (epilogue.bias) Set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, epilogue.bias);
    if (epilogue.gelu_input) Set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, epilogue.gelu_input);
  }

  template <class Value>
  void Set(cublasLtMatmulDescAttributes_t attribute, Value value) {
    const Library& lt = TheLibrary();
    lt.Check(lt.MatmulDescSetAttribute(operation, attribute, &value, sizeof(value)), "descriptor");
  }

  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t left = nullptr, right = nullptr, result = nullptr;
  using Algorithm = cublasLtMatmulHeuristicResult_t;
  std::vector<Algorithm> candidates;  // the best first, as the heuristic has it
  Algorithm algorithm{};
  bool is_there = false;  // whether there is an algorithm

 private:
  // The product computes C^T, so op(A) is the operand that cuBLASLt calls B.
  static cublasLtEpilogue_t EpilogueOf(CublasEpilogue::Kind kind) {
    return kind == CublasEpilogue::kBias           ? CUBLASLT_EPILOGUE_BIAS
           : kind == CublasEpilogue::kBiasGradient ? CUBLASLT_EPILOGUE_BGRADB
           : kind == CublasEpilogue::kBiasGelu     ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS
                                                   : CUBLASLT_EPILOGUE_DGELU_BGRAD;
  }

  static cublasLtMatrixLayout_t Layout(cudaDataType_t type, int64_t rows, int64_t columns, int64_t batch,
                                       int64_t stride) {
    const Library& lt = TheLibrary();
    cublasLtMatrixLayout_t layout = nullptr;
    lt.Check(lt.MatrixLayoutCreate(&layout, type, rows, columns, rows), "layout");
    if (batch == 1) return layout;
    const int32_t count = static_cast<int32_t>(batch);
    lt.Check(lt.MatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof(count)), "layout");
    lt.Check(lt.MatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof(stride)),
             "layout");
    return layout;
  }
};

struct State {
  std::mutex mutex;
  std::map<int, cublasLtHandle_t> handles;  // by device
  std::map<Problem, std::unique_ptr<Plan>> plans;
};

State& TheState() {
  static State* state = new State;
  return *state;
}

// What an algorithm is kept for.
std::string KeyOf(const Problem& p) {
  int driver = 0;
  CheckCuda("MatMul", cudaDriverGetVersion(&driver));
  const std::string gpu = DescribeGpu(p.device);
  std::ostringstream key;
  key << gpu.substr(gpu.find(' ') + 1) << ", driver " << driver << ", cuBLASLt " << TheLibrary().GetVersion() << ':';
  const auto number = [](auto value) { return static_cast<int64_t>(value); };
  for (const int64_t value : {number(p.type),
                              number(p.result_type),
                              number(p.adds),
                              number(p.epilogue),
                              number(p.transpose_a),
                              number(p.transpose_b),
                              p.m,
                              p.n,
                              p.k,
                              p.batch,
                              p.a_stride,
                              p.b_stride,
                              p.c_stride,
                              number(p.alignment_a),
                              number(p.alignment_b),
                              number(p.alignment_c),
                              number(p.alignment_start),
                              number(p.alignment_bias),
                              number(p.alignment_gelu),
                              number(p.precision)})
    key << ' ' << value;
  return key.str();
}

std::string TextOf(const cublasLtMatmulAlgo_t& algorithm) {
  std::ostringstream text;
  text << std::hex;
  for (const uint64_t word : algorithm.data) text << (text.tellp() > 0 ? " " : "") << word;
  return text.str();
}

// The milliseconds that the stream takes for what `run` queues, after a first time; infinite where it refuses. Several
// are queued at once, as the launch of a single one on an idle stream may take longer than its product.
template <class Run>
float TimeOf(cudaStream_t stream, const Run& run) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  cudaEvent_t begin = nullptr, end = nullptr;
  CheckCuda("MatMul", cudaEventCreateWithFlags(&begin, cudaEventDefault));
  CheckCuda("MatMul", cudaEventCreateWithFlags(&end, cudaEventDefault));
  float fastest = kInfinity;
  for (int i = 0; i <= kRepetitions; ++i) {
    const int products = i > 0 ? kProductsAtOnce : 1;
    CheckCuda("MatMul", cudaEventRecord(begin, stream));
    bool succeeded = true;
    for (int product = 0; product < products && succeeded; ++product) succeeded = run() == CUBLAS_STATUS_SUCCESS;
    if (!succeeded) {
      fastest = kInfinity;
      break;
    }
    CheckCuda("MatMul", cudaEventRecord(end, stream));
    CheckCuda("MatMul", cudaEventSynchronize(end));
    float taken = 0;
    CheckCuda("MatMul", cudaEventElapsedTime(&taken, begin, end));
    if (i > 0) fastest = std::min(fastest, taken / static_cast<float>(products));
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return fastest;
}

// The fastest of the candidates, or null where none does the product.
template <class Run>
const Plan::Algorithm* FastestOf(const std::vector<Plan::Algorithm>& candidates, cudaStream_t stream, const Run& run) {
  const Plan::Algorithm* fastest = nullptr;
  float least = std::numeric_limits<float>::infinity();
  for (const Plan::Algorithm& candidate : candidates) {
    const float taken = TimeOf(stream, [&] { return run(candidate); });
    if (taken >= least) continue;
    least = taken;
    fastest = &candidate;
  }
  return fastest;
}

// Has the plan use the one of its candidates that is kept. Where none is, the fastest is kept, unless the stream is
// being captured: the plan stays the heuristic's then. run(algorithm) queues the product.
template <class Run>
void Choose(const Problem& problem, cudaStream_t stream, Plan& plan, const Run& run) {
  static AlgorithmFile kept(CacheDirectory() + "/matmul_algorithms");  // one thread at a time comes here
  const std::string key = KeyOf(problem);
  std::optional<std::string> text = kept.Find(key);
  if (!text) {
    cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
    CheckCuda("MatMul", cudaStreamIsCapturing(stream, &capturing));
    if (capturing != cudaStreamCaptureStatusNone) return;
    const Plan::Algorithm* fastest = FastestOf(plan.candidates, stream, run);
    if (!fastest) return;
    text = kept.Add(key, TextOf(fastest->algo));  // or what another process has added meanwhile
  }
  const auto its = std::find_if(plan.candidates.begin(), plan.candidates.end(),
                                [&](const Plan::Algorithm& candidate) { return TextOf(candidate.algo) == *text; });
  if (its != plan.candidates.end())
    plan.algorithm = *its;
  else
    std::cerr << "the algorithm that " << CacheDirectory() << "/matmul_algorithms has for a product is none of "
              << "cuBLASLt's; the heuristic's is used: " << key << std::endl;
}

// The largest power of two, up to 16, that divides the address. More alignment gains nothing, and the choice of
// algorithm should not depend on where operands happen to lie.
int AlignmentOf(const void* pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer) | 16;
  return static_cast<int>(address & -address);
}

}  // namespace

template <class T, class U>
bool CublasMatMul(Cuda device, Transpose transpose_a, Transpose transpose_b, int64_t m, int64_t n, int64_t k,
                  const T* a, const T* b, const CublasEpilogue& epilogue, SumType<T> beta, U* c, int64_t batch,
                  int64_t a_stride, int64_t b_stride, int64_t c_stride, const U* start) {
  if (!start) start = c;
  if (!IsUsed(Alternative::kCublasLt)) return false;
  if (epilogue.gelu_input && (n % 8 != 0 || AlignmentOf(epilogue.gelu_input) < 16)) return false;
  const Library& lt = TheLibrary();
  Problem problem = {0,
                     kTypeOf<T>,
                     kTypeOf<U>,
                     beta != 0,
                     epilogue.kind,
                     transpose_a,
                     transpose_b,
                     m,
                     n,
                     k,
                     batch,
                     a_stride,
                     b_stride,
                     c_stride,
                     AlignmentOf(a),
                     AlignmentOf(b),
                     AlignmentOf(c),
                     AlignmentOf(start),
                     AlignmentOf(epilogue.bias),
                     AlignmentOf(epilogue.gelu_input),
                     device.precision};
  CheckCuda("MatMul", cudaGetDevice(&problem.device));
  State& state = TheState();
  std::lock_guard lock(state.mutex);  // the plan stores the epilogue's pointers
  cublasLtHandle_t& handle = state.handles[problem.device];
  if (!handle) lt.Check(lt.Create(&handle), "handle");
  std::unique_ptr<Plan>& plan = state.plans[problem];
  if (!plan) plan = std::make_unique<Plan>(handle, problem, epilogue);
  if (!plan->is_there) return false;
  plan->SetPointers(epilogue);
  const auto run = [&](const Plan::Algorithm& algorithm, U* result) {
    void* workspace = AllocateScratch(device, algorithm.workspaceSize);
    const SumType<T> one = 1;
    const cublasStatus_t status =
        lt.Matmul(handle, plan->operation, &one, b, plan->left, a, plan->right, &beta, start, plan->result, result,
                  plan->result, &algorithm.algo, workspace, algorithm.workspaceSize, device.stream);
    FreeScratch(device, workspace);
    return status;
  };
  if (plan->candidates.size() > 1) {
    // What the product is added to is not to change before it is.
    const bool apart = beta != 0;
    void* other = apart ? AllocateScratch(device, ((batch - 1) * c_stride + m * n) * sizeof(U)) : nullptr;
    Choose(problem, device.stream, *plan,
           [&](const Plan::Algorithm& algorithm) { return run(algorithm, apart ? static_cast<U*>(other) : c); });
    if (apart) FreeScratch(device, other);
    plan->candidates.clear();
  }
  const cublasStatus_t status = run(plan->algorithm, c);
  if (Plan::IsRefusal(status, epilogue.kind)) return plan->is_there = false;
  lt.Check(status, "product");
  return true;
}

#define ORBIT_INSTANTIATE(T, U)                                                                         \
  template bool CublasMatMul(Cuda, Transpose, Transpose, int64_t, int64_t, int64_t, const T*, const T*, \
                             const CublasEpilogue&, SumType<T>, U*, int64_t, int64_t, int64_t, int64_t, const U*);
ORBIT_INSTANTIATE(float, float)
ORBIT_INSTANTIATE(double, double)
ORBIT_INSTANTIATE(BFloat16, BFloat16)
ORBIT_INSTANTIATE(BFloat16, float)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels

#endif  // ORBIT_CUDA
