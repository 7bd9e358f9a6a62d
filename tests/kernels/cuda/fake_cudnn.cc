// A substitute for cuDNN that computes graphs on the host, operation by operation: it holds what kernels/cuda describes
// to it. Products into floats that are not virtual are added to what is there, as engines before version 9.6 do.
// FAKE_CUDNN_MULTIPLICATIONS=N: its one engine takes patterns with N multiplications and no others.
#include <cudnn.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "kernels/bfloat16.h"

namespace {

using orbit::BFloat16;

struct Descriptor {
  using Pointer = std::shared_ptr<Descriptor>;

  template <class T>
  const T* All(cudnnBackendAttributeName_t name) const {
    return reinterpret_cast<const T*>(attributes.at(name).data());
  }
  Pointer Part(cudnnBackendAttributeName_t name, size_t i = 0) const { return parts.at(name)[i]; }

  cudnnBackendDescriptorType_t type;
  std::map<cudnnBackendAttributeName_t, std::vector<char>> attributes;
  std::map<cudnnBackendAttributeName_t, std::vector<Pointer>> parts;
};

Descriptor::Pointer& Of(cudnnBackendDescriptor_t handle) { return *static_cast<Descriptor::Pointer*>(handle); }

size_t SizeOf(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
      return sizeof(bool);
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_HANDLE:
      return 8;
    default:  // enumerations
      return 4;
  }
}

using Place = std::array<int64_t, 4>;

// A tensor with four axes: in the memory that came with its name, or only here.
class Tensor {
 public:
  Tensor(const Descriptor& d, std::map<int64_t, void*>& memory, std::map<int64_t, std::vector<float>>& on_chip)
      : type_(*d.All<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE)) {
    const auto* sizes = d.All<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
    const auto* strides = d.All<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    int64_t last = 0;
    for (int i = 0; i < 4; ++i) {
      this->sizes[i] = sizes[i];
      strides_[i] = strides[i];
      last += (sizes[i] - 1) * strides[i];
    }
    const int64_t name = *d.All<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    if (d.attributes.contains(CUDNN_ATTR_TENSOR_IS_VIRTUAL)) {
      values = &on_chip[name];
      values->resize(last + 1);
    } else {
      memory_ = memory.at(name);
    }
  }

  // An axis of size 1 is repeated.
  float Get(Place at) const {
    const int64_t i = Offset(at);
    if (values) return (*values)[i];
    return type_ == CUDNN_DATA_BFLOAT16 ? ToFloat(static_cast<const BFloat16*>(memory_)[i])
                                        : static_cast<const float*>(memory_)[i];
  }
  void Set(Place at, float value) const {
    const int64_t i = Offset(at);
    const BFloat16 rounded = orbit::ToBFloat16(value);
    if (values)
      (*values)[i] = type_ == CUDNN_DATA_BFLOAT16 ? ToFloat(rounded) : value;
    else if (type_ == CUDNN_DATA_BFLOAT16)
      static_cast<BFloat16*>(memory_)[i] = rounded;
    else
      static_cast<float*>(memory_)[i] = value;
  }
  void Add(Place at, float value) const { Set(at, values ? value : Get(at) + value); }

  // This tensor's elements are those of x in the order of memory.
  void Reshape(const Tensor& x) const {
    for (size_t i = 0; i < values->size(); ++i)
      (*values)[i] = x.values ? (*x.values)[i] : ToFloat(static_cast<const BFloat16*>(x.memory_)[i]);
  }

  Place sizes;
  std::vector<float>* values = nullptr;

 private:
  int64_t Offset(const Place& at) const {
    int64_t offset = 0;
    for (int i = 0; i < 4; ++i) offset += (sizes[i] == 1 ? 0 : at[i]) * strides_[i];
    return offset;
  }

  cudnnDataType_t type_;
  Place strides_;
  void* memory_ = nullptr;
};

template <class F>
void ForEach(const Place& sizes, F&& f) {
  Place at;
  for (at[0] = 0; at[0] < sizes[0]; ++at[0])
    for (at[1] = 0; at[1] < sizes[1]; ++at[1])
      for (at[2] = 0; at[2] < sizes[2]; ++at[2])
        for (at[3] = 0; at[3] < sizes[3]; ++at[3]) f(at);
}

void Attend(const Tensor& q, const Tensor& k, const Tensor& v, float scale, const Tensor& y, const Tensor& log_sums) {
  ForEach(log_sums.sizes, [&](Place at) {
    std::vector<double> scores(k.sizes[2]);
    double sum = 0;
    for (int64_t j = 0; j < k.sizes[2]; ++j) {
      for (int64_t c = 0; c < q.sizes[3]; ++c)
        scores[j] += scale * q.Get({at[0], at[1], at[2], c}) * k.Get({at[0], at[1], j, c});
      sum += std::exp(scores[j]);
    }
    log_sums.Set(at, static_cast<float>(std::log(sum)));
    for (int64_t c = 0; c < q.sizes[3]; ++c) {
      double value = 0;
      for (int64_t j = 0; j < k.sizes[2]; ++j) value += std::exp(scores[j]) / sum * v.Get({at[0], at[1], j, c});
      y.Set({at[0], at[1], at[2], c}, static_cast<float>(value));
    }
  });
}

void Compute(const Descriptor& operation, std::map<int64_t, void*>& memory,
             std::map<int64_t, std::vector<float>>& on_chip) {
  const auto tensor = [&](cudnnBackendAttributeName_t name) { return Tensor(*operation.Part(name), memory, on_chip); };
  switch (operation.type) {
    case CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR:
      return Attend(tensor(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC), tensor(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC),
                    tensor(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC),
                    tensor(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC).Get({}),
                    tensor(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC), tensor(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC));
    case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR: {
      const Tensor a = tensor(CUDNN_ATTR_OPERATION_MATMUL_ADESC), b = tensor(CUDNN_ATTR_OPERATION_MATMUL_BDESC),
                   c = tensor(CUDNN_ATTR_OPERATION_MATMUL_CDESC);
      const bool accumulates =
          *operation.Part(CUDNN_ATTR_OPERATION_MATMUL_CDESC)->All<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) ==
          CUDNN_DATA_FLOAT;
      return ForEach(c.sizes, [&](Place at) {
        float sum = 0;
        for (int64_t i = 0; i < a.sizes[3]; ++i)
          sum += a.Get({at[0], at[1], at[2], i}) * b.Get({at[0], at[1], i, at[3]});
        accumulates ? c.Add(at, sum) : c.Set(at, sum);
      });
    }
    case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR: {
      const Tensor x = tensor(CUDNN_ATTR_OPERATION_REDUCTION_XDESC), y = tensor(CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
      return ForEach(y.sizes, [&](Place at) {
        float sum = 0;
        for (at[3] = 0; at[3] < x.sizes[3]; ++at[3]) sum += x.Get(at);
        y.Set({at[0], at[1], at[2], 0}, sum);
      });
    }
    case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
      return tensor(CUDNN_ATTR_OPERATION_RESHAPE_YDESC).Reshape(tensor(CUDNN_ATTR_OPERATION_RESHAPE_XDESC));
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: {
      const auto mode = *operation.Part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                             ->All<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
      const Tensor x = tensor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC), y = tensor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
      const bool binary = operation.parts.contains(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
      const Tensor b = tensor(binary ? CUDNN_ATTR_OPERATION_POINTWISE_BDESC : CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
      return ForEach(y.sizes, [&](Place at) {
        y.Set(at, mode == CUDNN_POINTWISE_MUL   ? x.Get(at) * b.Get(at)
                  : mode == CUDNN_POINTWISE_SUB ? x.Get(at) - b.Get(at)
                  : mode == CUDNN_POINTWISE_EXP ? std::exp(x.Get(at))
                                                : x.Get(at));
      });
    }
    default:
      std::abort();
  }
}

// Whether the engine takes the graph.
bool Takes(const Descriptor& graph) {
  const auto& operations = graph.parts.at(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const char* wanted = std::getenv("FAKE_CUDNN_MULTIPLICATIONS");
  if (!wanted || operations.size() == 1) return true;
  int multiplications = 0;
  for (const auto& operation : operations)
    multiplications += operation->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR &&
                       *operation->Part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                               ->All<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_MUL;
  return multiplications == std::atoi(wanted);
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = reinterpret_cast<cudnnHandle_t>(0x100);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t) { return CUDNN_STATUS_SUCCESS; }
const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_NOT_SUPPORTED ? "not supported" : "another status";
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* made) {
  *made = new Descriptor::Pointer(std::make_shared<Descriptor>());
  Of(*made)->type = type;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t handle) {
  delete &Of(handle);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    auto& parts = Of(handle)->parts[name];
    for (int64_t i = 0; i < count; ++i) parts.push_back(Of(static_cast<const cudnnBackendDescriptor_t*>(values)[i]));
  } else {
    const auto* bytes = static_cast<const char*>(values);
    Of(handle)->attributes[name].assign(bytes, bytes + count * SizeOf(type));
  }
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, int64_t asked, int64_t* count, void* values) {
  *count = 1;
  if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
    *static_cast<int64_t*>(values) = 0;
  } else {  // the engines of a heuristic
    const Descriptor::Pointer graph = Of(handle)->Part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    *count = Takes(*graph);
    if (*count && asked)
      Of(*static_cast<cudnnBackendDescriptor_t*>(values))->parts[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH] = {graph};
  }
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t) { return CUDNN_STATUS_SUCCESS; }

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t arguments) {
  const auto names = Of(arguments)->attributes.at(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  std::map<int64_t, void*> memory;
  for (size_t i = 0; i < names.size() / sizeof(int64_t); ++i)
    memory[Of(arguments)->All<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS)[i]] =
        Of(arguments)->All<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS)[i];
  std::map<int64_t, std::vector<float>> on_chip;
  const auto graph =
      Of(plan)->Part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->Part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  for (const auto& operation : graph->parts.at(CUDNN_ATTR_OPERATIONGRAPH_OPS)) Compute(*operation, memory, on_chip);
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
