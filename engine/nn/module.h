// Module: the base class of layers and models. It owns named parameters and buffers and knows its submodules.
//
// A model declares its parts as members and registers them in its constructor:
//
//   class Mlp : public nn::Module {
//    public:
//     explicit Mlp(Generator& generator) : first_(8, 64, generator), second_(64, 1, generator) {
//       AddModule("first", first_);
//       AddModule("second", second_);
//     }
//     Variable operator()(const Variable& x) const { return second_(Relu(first_(x))); }
//
//    private:
//     nn::Linear first_, second_;
//   };
#ifndef ORBIT_ENGINE_NN_MODULE_H_
#define ORBIT_ENGINE_NN_MODULE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor_map.h"
#include "engine/variable.h"

namespace orbit::nn {

// Submodules are registered by address, so modules cannot be copied or moved.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  // Names are paths as in PyTorch ("encoder.layers.0.linear1.weight"), in the order of registration: first a module's
  // own, then those of its submodules.
  std::vector<NamedVariable> NamedParameters() const;
  std::vector<NamedVariable> NamedBuffers() const;
  int64_t NumParameters() const;  // elements of all parameters

  // Whether layers behave as in training (dropout, batch statistics); initially true.
  bool training() const { return training_; }
  void Train(bool training = true);
  void Eval() { Train(false); }

  // Converts all floating-point parameters and buffers; gradients are dropped.
  void To(DType dtype);
  void To(Device device);

  // Parameters and buffers by name; the tensors share storage with the module's.
  TensorMap StateDict() const;
  // Copies values in; see CopyTensors. Ignores BatchNorm's counters `num_batches_tracked`, which PyTorch saves and we
  // do not use.
  void LoadStateDict(const TensorMap& state, CopyOptions options = {});

 protected:
  // Adds a leaf that requires a gradient. A name may contain dots ("mlp.0") if no submodule stands for the path. Throws
  // Error if the name is taken.
  Variable AddParameter(const std::string& name, Tensor value);
  // Adds a constant that is part of the state. Layers update it in place, in the variable's tensor.
  Variable AddBuffer(const std::string& name, Tensor value);
  // A module without a name has its parts named as if they were this module's own.
  void AddModule(const std::string& name, Module& module);

 private:
  using Visitor = std::function<void(const std::string& name, const Variable& variable)>;
  void Visit(const std::string& prefix, const Visitor& parameter, const Visitor& buffer) const;
  void Convert(const std::function<Tensor(const Tensor&)>& convert);
  void CheckNew(const std::string& name) const;

  std::vector<NamedVariable> parameters_;
  std::vector<NamedVariable> buffers_;
  std::vector<std::pair<std::string, Module*>> modules_;
  bool training_ = true;
};

// A list of modules of one type, named "0", "1", ...
template <class M>
class ModuleList : public Module {
 public:
  template <class... Args>
  M& Add(Args&&... args) {
    modules_.push_back(std::make_unique<M>(std::forward<Args>(args)...));
    AddModule(std::to_string(modules_.size() - 1), *modules_.back());
    return *modules_.back();
  }
  size_t size() const { return modules_.size(); }
  M& operator[](size_t i) { return *modules_[i]; }
  const M& operator[](size_t i) const { return *modules_[i]; }

 private:
  std::vector<std::unique_ptr<M>> modules_;
};

}  // namespace orbit::nn

#endif  // ORBIT_ENGINE_NN_MODULE_H_
