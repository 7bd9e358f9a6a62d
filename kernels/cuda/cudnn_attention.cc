#include "kernels/cuda/cudnn_attention.h"

#include "kernels/error.h"

#if defined(ORBIT_CUDA) && __has_include(<cudnn.h>)
#include <cudnn.h>
#endif

#if defined(CUDNN_VERSION) && CUDNN_VERSION >= 91300

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/cuda/runtime.h"
#include "kernels/cuda/shared_library.h"

namespace orbit::kernels {
namespace {

struct Library {
  SharedLibrary file{"libcudnn.so." + std::to_string(CUDNN_MAJOR)};
#define ORBIT_FUNCTION(NAME) decltype(&cudnn##NAME) NAME = file.Get<decltype(&cudnn##NAME)>("cudnn" #NAME)
  ORBIT_FUNCTION(Create);
  ORBIT_FUNCTION(SetStream);
  ORBIT_FUNCTION(GetErrorString);
  ORBIT_FUNCTION(BackendCreateDescriptor);
  ORBIT_FUNCTION(BackendDestroyDescriptor);
  ORBIT_FUNCTION(BackendSetAttribute);
  ORBIT_FUNCTION(BackendGetAttribute);
  ORBIT_FUNCTION(BackendFinalize);
  ORBIT_FUNCTION(BackendExecute);
#undef ORBIT_FUNCTION

  void Check(cudnnStatus_t status, const char* what) const {
    if (status != CUDNN_STATUS_SUCCESS) Fail("cuDNN, ", what, ": ", GetErrorString(status));
  }
};

const Library& TheLibrary() {
  static const Library library;
  return library;
}

// A descriptor of cuDNN's graph API; it is finalized after its attributes are set.
class Descriptor {
 public:
  Descriptor(cudnnBackendDescriptorType_t type, const char* what) : what_(what) {
    cudnnBackendDescriptor_t made = nullptr;
    TheLibrary().Check(TheLibrary().BackendCreateDescriptor(type, &made), what_);
    descriptor_ = std::shared_ptr<void>(made, [](void* d) { TheLibrary().BackendDestroyDescriptor(d); });
  }

  template <class Value>
  Descriptor& Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                  const std::vector<Value>& values) {
    TheLibrary().Check(
        TheLibrary().BackendSetAttribute(get(), name, type, static_cast<int64_t>(values.size()), values.data()), what_);
    return *this;
  }
  template <class Value>
  Descriptor& Set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, Value value) {
    return Set(name, type, std::vector<Value>{value});
  }
  Descriptor& Set(cudnnBackendAttributeName_t name, bool value) {
    TheLibrary().Check(TheLibrary().BackendSetAttribute(get(), name, CUDNN_TYPE_BOOLEAN, 1, &value), what_);
    return *this;
  }
  Descriptor& Set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    return Set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.get());
  }
  Descriptor& Finalize() {
    TheLibrary().Check(TheLibrary().BackendFinalize(get()), what_);
    return *this;
  }
  cudnnBackendDescriptor_t get() const { return descriptor_.get(); }

 private:
  const char* what_;
  std::shared_ptr<void> descriptor_;
};

using Sizes = std::array<int64_t, 4>;

// A graph of operations on tensors with four axes, computed in float. Tensors with a name get their data when the graph
// runs; the others exist only on chip.
class Graph {
 public:
  enum Name : int64_t {
    kQueries = 1,
    kKeys,
    kValues,
    kY,
    kStatistics,
    kScale,
    kOne,
    kDy,
    kDQueries,
    kDKeys,
    kDValues,
    kAlong,
    kSummed,
    kUnnamed
  };

  Descriptor Tensor(Name name, const Sizes& sizes, const Sizes& strides, cudnnDataType_t type) {
    return Finish(Described(name, sizes, strides, type));
  }
  Descriptor OnChip(const Sizes& sizes, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return OnChip(sizes, {sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1}, type);
  }
  Descriptor OnChip(const Sizes& sizes, const Sizes& strides, cudnnDataType_t type) {
    return Finish(Described(static_cast<Name>(next_++), sizes, strides, type).Set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true));
  }
  Descriptor Number(Name name) {  // a float in host memory
    return Finish(
        Described(name, {1, 1, 1, 1}, {1, 1, 1, 1}, CUDNN_DATA_FLOAT).Set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true));
  }

  void MatMul(const Descriptor& a, const Descriptor& b, const Descriptor& c) {
    Descriptor product(CUDNN_BACKEND_MATMUL_DESCRIPTOR, "product");
    product.Set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT).Finalize();
    Add(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, "product",
        {{CUDNN_ATTR_OPERATION_MATMUL_ADESC, a},
         {CUDNN_ATTR_OPERATION_MATMUL_BDESC, b},
         {CUDNN_ATTR_OPERATION_MATMUL_CDESC, c},
         {CUDNN_ATTR_OPERATION_MATMUL_DESC, product}});
  }
  void Unary(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor& y) {
    Add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "pointwise operation",
        {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, Pointwise(mode)},
         {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x},
         {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y}});
  }
  void Binary(cudnnPointwiseMode_t mode, const Descriptor& a, const Descriptor& b, const Descriptor& y) {
    Add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "pointwise operation",
        {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, Pointwise(mode)},
         {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, a},
         {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b},
         {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y}});
  }
  void Sum(const Descriptor& x, const Descriptor& y) {
    Descriptor sum(CUDNN_BACKEND_REDUCTION_DESCRIPTOR, "sum");
    sum.Set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
        .Set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, CUDNN_REDUCE_TENSOR_ADD)
        .Finalize();
    Add(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, "sum",
        {{CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x},
         {CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y},
         {CUDNN_ATTR_OPERATION_REDUCTION_DESC, sum}});
  }
  void Reshape(const Descriptor& x, const Descriptor& y) {
    Add(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR, "reshape",
        {{CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x}, {CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y}});
  }
  void Add(cudnnBackendDescriptorType_t type, const char* what,
           const std::vector<std::pair<cudnnBackendAttributeName_t, Descriptor>>& attributes) {
    Descriptor operation(type, what);
    for (const auto& [name, value] : attributes) operation.Set(name, value);
    operations_.push_back(operation.Finalize());
  }

  Descriptor Finish(cudnnHandle_t handle) const {
    std::vector<cudnnBackendDescriptor_t> operations;
    for (const Descriptor& operation : operations_) operations.push_back(operation.get());
    return Descriptor(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "graph")
        .Set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations)
        .Set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle)
        .Finalize();
  }

 private:
  static Descriptor Described(Name name, const Sizes& sizes, const Sizes& strides, cudnnDataType_t type) {
    return Descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor")
        .Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, int64_t{name})
        .Set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type)
        .Set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, std::vector<int64_t>(sizes.begin(), sizes.end()))
        .Set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, std::vector<int64_t>(strides.begin(), strides.end()))
        .Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, int64_t{16});
  }
  static Descriptor Finish(Descriptor tensor) { return tensor.Finalize(); }
  static Descriptor Pointwise(cudnnPointwiseMode_t mode) {
    return Descriptor(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "pointwise operation")
        .Set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode)
        .Set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
        .Finalize();
  }

  int64_t next_ = kUnnamed;
  std::vector<Descriptor> operations_;
};

// The layouts of attention's tensors as [sequences, heads, tokens, channels].
struct Layout {
  explicit Layout(const AttentionShape& s)
      : sizes{s.sequences, s.heads, s.tokens, s.channels},
        transposed{s.sequences, s.heads, s.channels, s.tokens},
        projected{3 * s.tokens * s.width(), s.channels, 3 * s.width(), 1},
        projected_transposed{3 * s.tokens * s.width(), s.channels, 1, 3 * s.width()},
        out{s.tokens * s.width(), s.channels, s.width(), 1},
        scores{s.sequences, s.heads, s.tokens, s.tokens},
        scores_transposed{s.heads * s.tokens * s.tokens, s.tokens * s.tokens, 1, s.tokens},
        rows{s.sequences, s.heads, s.tokens, 1},
        row_strides{s.heads * s.tokens, s.tokens, 1, 1},
        by_head{s.heads * s.tokens * s.channels, s.tokens * s.channels, s.channels, 1} {}

  Sizes sizes, transposed, projected, projected_transposed, out, scores, scores_transposed, rows, row_strides, by_head;
};

constexpr cudnnDataType_t kBf16 = CUDNN_DATA_BFLOAT16, kFloat = CUDNN_DATA_FLOAT;

// cuDNN's fused forward operation for scaled dot-product attention.
Graph ForwardGraph(const AttentionShape& shape) {
  const Layout l(shape);
  Graph graph;
  graph.Add(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR, "attention",
            {{CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, graph.Tensor(Graph::kQueries, l.sizes, l.projected, kBf16)},
             {CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, graph.Tensor(Graph::kKeys, l.sizes, l.projected, kBf16)},
             {CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, graph.Tensor(Graph::kValues, l.sizes, l.projected, kBf16)},
             {CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, graph.Tensor(Graph::kY, l.sizes, l.out, kBf16)},
             {CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, graph.Tensor(Graph::kStatistics, l.rows, l.row_strides, kFloat)},
             {CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, graph.Number(Graph::kScale)}});
  return graph;
}

// A pattern of single operations that cuDNN fuses, as its backward operation does not support Hopper. Engines know the
// pattern by its operations, so these are the ones of cuDNN's own frontend (composite backward of scaled dot-product
// attention) with its multiplications by one, which stand for dropout: that of the sums and, in older versions, that of
// the weights' gradient too.
Graph BackwardGraph(const AttentionShape& shape, bool multiplies_dweights) {
  const Layout l(shape);
  Graph graph;
  const Descriptor q = graph.Tensor(Graph::kQueries, l.sizes, l.projected, kBf16),
                   k = graph.Tensor(Graph::kKeys, l.transposed, l.projected_transposed, kBf16),
                   v = graph.Tensor(Graph::kValues, l.transposed, l.projected_transposed, kBf16),
                   y = graph.Tensor(Graph::kY, l.sizes, l.out, kBf16),
                   dy = graph.Tensor(Graph::kDy, l.sizes, l.out, kBf16),
                   log_sums = graph.Tensor(Graph::kStatistics, l.rows, l.row_strides, kFloat),
                   along = graph.Tensor(Graph::kAlong, l.rows, l.row_strides, kFloat),
                   summed = graph.Tensor(Graph::kSummed, l.sizes, l.by_head, kFloat),
                   dq = graph.Tensor(Graph::kDQueries, l.sizes, l.projected, kBf16),
                   dk = graph.Tensor(Graph::kDKeys, l.sizes, l.projected, kBf16),
                   dv = graph.Tensor(Graph::kDValues, l.sizes, l.projected, kBf16), scale = graph.Number(Graph::kScale),
                   one = graph.Number(Graph::kOne);
  const auto next = [&](const Sizes& sizes) { return graph.OnChip(sizes); };
  const auto scores = [&] { return next(l.scores); };
  const auto binary = [&](cudnnPointwiseMode_t mode, const Descriptor& a, const Descriptor& b) {
    const Descriptor result = scores();
    graph.Binary(mode, a, b, result);
    return result;
  };
  const auto transposed = [&](const Descriptor& x) {
    const Descriptor result = graph.OnChip(l.scores, l.scores_transposed, kBf16);
    graph.Reshape(x, result);
    return result;
  };
  // along = sum of dy y
  const Descriptor products = next(l.sizes), sums = next(l.rows);
  graph.Binary(CUDNN_POINTWISE_MUL, dy, y, products);
  graph.Sum(products, sums);
  graph.Binary(CUDNN_POINTWISE_MUL, sums, one, along);
  // weights = exp(scale q k^T - log_sums), dv = weights^T dy
  const Descriptor dots = scores(), weights = scores(), products_with_values = scores();
  graph.MatMul(q, k, dots);
  graph.Unary(CUDNN_POINTWISE_EXP, binary(CUDNN_POINTWISE_SUB, binary(CUDNN_POINTWISE_MUL, dots, scale), log_sums),
              weights);
  graph.MatMul(transposed(weights), dy, dv);
  // dscores = scale weights (dy v^T - along), dk = dscores^T q, dq = dscores k
  graph.MatMul(dy, v, products_with_values);
  const Descriptor dweights =
      multiplies_dweights ? binary(CUDNN_POINTWISE_MUL, products_with_values, one) : products_with_values;
  const Descriptor dscores = binary(
      CUDNN_POINTWISE_MUL, binary(CUDNN_POINTWISE_MUL, binary(CUDNN_POINTWISE_SUB, dweights, along), weights), scale);
  graph.MatMul(transposed(dscores), q, dk);
  const Descriptor keys = graph.OnChip(l.sizes, l.projected, kBf16);
  graph.Reshape(k, keys);
  graph.MatMul(dscores, keys, summed);
  graph.Unary(CUDNN_POINTWISE_IDENTITY, summed, dq);
  return graph;
}

// A plan by the first engine that accepts one of the graphs, which say the same, in the order of cuDNN's heuristic.
class Plan {
 public:
  Plan(cudnnHandle_t handle, const std::vector<Graph>& graphs) {
    cudnnStatus_t status = CUDNN_STATUS_NOT_SUPPORTED;
    for (size_t i = 0; i < graphs.size() && status != CUDNN_STATUS_SUCCESS; ++i)
      status = Find(handle, graphs[i].Finish(handle));
    TheLibrary().Check(status, "none of its engines takes this attention");
    int64_t count = 0;
    TheLibrary().Check(TheLibrary().BackendGetAttribute(plan_->get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                                        CUDNN_TYPE_INT64, 1, &count, &workspace_bytes_),
                       "plan");
  }

  size_t workspace_bytes() const { return static_cast<size_t>(workspace_bytes_); }

  void Run(cudnnHandle_t handle, const std::vector<int64_t>& names, const std::vector<void*>& data,
           void* workspace) const {
    Descriptor arguments(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "arguments");
    arguments.Set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names)
        .Set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, data)
        .Set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace)
        .Finalize();
    TheLibrary().Check(TheLibrary().BackendExecute(handle, plan_->get(), arguments.get()), "attention");
  }

 private:
  // The status of the last engine that was asked; plan_ is of an engine that takes the graph.
  cudnnStatus_t Find(cudnnHandle_t handle, const Descriptor& graph) {
    const Library& cudnn = TheLibrary();
    graph_ = std::make_unique<Descriptor>(graph);
    Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "heuristic");
    heuristic.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
        .Set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, CUDNN_HEUR_MODE_A);
    // A graph that no engine knows may be refused here already.
    if (const cudnnStatus_t status = cudnn.BackendFinalize(heuristic.get()); status != CUDNN_STATUS_SUCCESS)
      return status;
    int64_t count = 0;
    cudnn.Check(cudnn.BackendGetAttribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                          0, &count, nullptr),
                "heuristic");
    std::vector<Descriptor> engines;
    std::vector<cudnnBackendDescriptor_t> pointers;
    for (int64_t i = 0; i < count; ++i)
      pointers.push_back(engines.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "engine").get());
    cudnn.Check(cudnn.BackendGetAttribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                          count, &count, pointers.data()),
                "heuristic");
    cudnnStatus_t status = CUDNN_STATUS_NOT_SUPPORTED;
    for (int64_t i = 0; i < count && status != CUDNN_STATUS_SUCCESS; ++i) {
      plan_ = std::make_unique<Descriptor>(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "plan");
      plan_->Set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle)
          .Set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engines[i]);
      status = cudnn.BackendFinalize(plan_->get());
    }
    return status;
  }

  std::unique_ptr<Descriptor> graph_, plan_;
  int64_t workspace_bytes_ = 0;
};

struct Bytes {
  Bytes(Cuda device, size_t size) : device(device), data(AllocateScratch(device, size)) {}
  ~Bytes() { FreeScratch(device, data); }
  Bytes(const Bytes&) = delete;

  Cuda device;
  void* data;
};

struct State {
  std::mutex mutex;
  std::map<int, cudnnHandle_t> handles;  // by device
  std::map<std::tuple<int, bool, int64_t, int64_t, int64_t, int64_t>, std::unique_ptr<Plan>> plans;
};

// The current device. Throws Error if there is none, or no cuDNN.
int CurrentDevice() {
  TheLibrary();
  int number = 0;
  CheckCuda("attention by cuDNN", cudaGetDevice(&number));
  return number;
}

void Run(Cuda device, bool backward, const AttentionShape& shape, std::vector<int64_t> names, std::vector<void*> data) {
  static State* state = new State;
  const Library& cudnn = TheLibrary();
  const int number = CurrentDevice();
  std::lock_guard lock(state->mutex);
  cudnnHandle_t& handle = state->handles[number];
  if (!handle) cudnn.Check(cudnn.Create(&handle), "handle");
  cudnn.Check(cudnn.SetStream(handle, device.stream), "stream");
  std::unique_ptr<Plan>& plan =
      state->plans[{number, backward, shape.sequences, shape.tokens, shape.heads, shape.channels}];
  if (!plan)
    plan =
        std::make_unique<Plan>(handle, backward ? std::vector{BackwardGraph(shape, false), BackwardGraph(shape, true)}
                                                : std::vector{ForwardGraph(shape)});
  float scale = 1 / std::sqrt(static_cast<float>(shape.channels)), one = 1;
  names.push_back(Graph::kScale);
  data.push_back(&scale);
  if (backward) {
    names.push_back(Graph::kOne);
    data.push_back(&one);
  }
  const Bytes workspace(device, plan->workspace_bytes());
  plan->Run(handle, names, data, workspace.data);
}

// The first element of the queries (0), keys (1) or values (2).
void* Part(const BFloat16* projected, const AttentionShape& shape, int i) {
  return const_cast<BFloat16*>(projected + i * shape.width());
}

}  // namespace

void CudnnAttentionForward(Cuda device, const AttentionShape& shape, const BFloat16* projected, BFloat16* y,
                           float* log_sums) {
  Run(device, false, shape, {Graph::kQueries, Graph::kKeys, Graph::kValues, Graph::kY, Graph::kStatistics},
      {Part(projected, shape, 0), Part(projected, shape, 1), Part(projected, shape, 2), y, log_sums});
}

void CudnnAttentionBackward(Cuda device, const AttentionShape& shape, const BFloat16* projected, const BFloat16* y,
                            const float* log_sums, const BFloat16* dy, BFloat16* dprojected) {
  CurrentDevice();
  const size_t summed_bytes = shape.rows() * shape.width() * sizeof(float);
  const Bytes along(device, shape.rows() * shape.heads * sizeof(float)), summed(device, summed_bytes);
  // Blocks of keys add their parts of dq to it; before version 9.6 cuDNN does not clear it.
  CheckCuda("attention by cuDNN", cudaMemsetAsync(summed.data, 0, summed_bytes, device.stream));
  Run(device, true, shape,
      {Graph::kQueries, Graph::kKeys, Graph::kValues, Graph::kY, Graph::kStatistics, Graph::kDy, Graph::kDQueries,
       Graph::kDKeys, Graph::kDValues, Graph::kAlong, Graph::kSummed},
      {Part(projected, shape, 0), Part(projected, shape, 1), Part(projected, shape, 2), const_cast<BFloat16*>(y),
       const_cast<float*>(log_sums), const_cast<BFloat16*>(dy), Part(dprojected, shape, 0), Part(dprojected, shape, 1),
       Part(dprojected, shape, 2), along.data, summed.data});
}

}  // namespace orbit::kernels

#else

namespace orbit::kernels {

void CudnnAttentionForward(Cuda, const AttentionShape&, const BFloat16*, BFloat16*, float*) {
  Fail("attention by cuDNN: this program was built without cuDNN 9");
}

void CudnnAttentionBackward(Cuda, const AttentionShape&, const BFloat16*, const BFloat16*, const float*,
                            const BFloat16*, BFloat16*) {
  Fail("attention by cuDNN: this program was built without cuDNN 9");
}

}  // namespace orbit::kernels

#endif
