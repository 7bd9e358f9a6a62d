// Variable: a tensor, the node that computed it, and its gradient.
//
// An operation computes its value, then calls MakeVariable with its inputs and a backward function. Backward()
// processes the recorded nodes from the newest to the oldest. Gradients accumulate in the leaves; gradients of
// intermediate results, and what nodes saved, are freed on the way.
#ifndef ORBIT_ENGINE_VARIABLE_H_
#define ORBIT_ENGINE_VARIABLE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/bf16_copy.h"
#include "engine/tensor.h"

namespace orbit {

class Variable;

// What a backward function receives: the gradients of the results, and a place for those of the inputs.
class Gradients {
 public:
  Gradients(const std::vector<Variable>& inputs, std::vector<Tensor> outputs)
      : inputs_(inputs), outputs_(std::move(outputs)) {}

  const Tensor& output() const { return outputs_[0]; }
  // The gradient of result i; undefined if nothing depends on it.
  const Tensor& output(size_t i) const { return outputs_[i]; }
  // Whether the gradient of input i is needed; otherwise computing it is wasted work.
  bool Needs(size_t i) const;
  // Takes what is the gradient of input i so far away, for the backward function to add its own to it and Add() both;
  // undefined where there is nothing, or the gradient is not needed.
  Tensor Take(size_t i) const;
  // Adds to the gradient of input i if it is needed. The tensor is shared, not copied, and must not be changed
  // afterwards.
  void Add(size_t i, const Tensor& gradient) const;

 private:
  const std::vector<Variable>& inputs_;
  std::vector<Tensor> outputs_;
};

using BackwardFunction = std::function<void(const Gradients&)>;

class Variable {
 public:
  Variable() = default;  // undefined
  // A constant or, with requires_grad, a leaf. Implicit, so that operations accept tensors as constants.
  Variable(Tensor value, bool requires_grad = false);  // NOLINT(google-explicit-constructor)

  bool defined() const { return state_ != nullptr; }
  const Tensor& value() const;
  // The accumulated gradient; undefined until Backward() reaches this variable. Only leaves keep it.
  const Tensor& grad() const;
  bool requires_grad() const;
  void set_requires_grad(bool requires_grad) const;  // leaves only
  void set_value(Tensor value) const;                // leaves only
  void set_grad(Tensor grad) const;
  void ZeroGrad() const { set_grad({}); }
  // Adds to the gradient, which has the value's dtype. A bf16 gradient of an f32 value is added in f32.
  void AddGrad(const Tensor& gradient) const;

  const Shape& shape() const { return value().shape(); }
  int64_t dim(int64_t axis) const { return value().dim(axis); }
  int64_t rank() const { return value().rank(); }
  int64_t size() const { return value().size(); }
  DType dtype() const { return value().dtype(); }
  Device device() const { return value().device(); }

  // The value in another floating dtype, for operations that read it; the value itself where nothing changes.
  Tensor ValueIn(DType dtype) const;
  // For optimisers: while what this returns lives, ValueIn(DType::kBF16) of this leaf of f32 gives a copy that is
  // converted when the value has changed, not at each use.
  std::shared_ptr<BF16Copy> KeepBF16() const;

  // A constant with the same value.
  Variable Detach() const { return Variable(value()); }

  // Computes the gradients of this scalar with respect to every leaf it depends on. The recorded graph is consumed.
  void Backward() const;
  // Backward() of sum(this * gradient).
  void Backward(const Tensor& gradient) const;

  // Sets a hook that every Backward() which reaches this leaf calls once, as soon as grad() is complete, however many
  // operations use the leaf. The hook may change the gradient. An empty function removes it.
  using Hook = std::function<void(const Variable& leaf)>;
  void OnGradient(Hook hook) const;

 private:
  struct State;
  struct Node;
  class Uses;
  Tensor& Gradient() const;
  void Backward(const Tensor& gradient, int64_t first) const;
  friend std::vector<Variable> MakeVariables(const char*, std::vector<Tensor>, std::vector<Variable>, BackwardFunction);
  friend void BackwardThrough(const std::function<Variable()>&, const Tensor&);
  std::shared_ptr<State> state_;
};

// A parameter of a module with its name there.
struct NamedVariable {
  std::string name;
  Variable variable;
};

// Wraps the result of an operation called `name`. If no input requires a gradient or a NoGrad is alive, nothing is
// recorded and `backward` is dropped.
Variable MakeVariable(const char* name, Tensor value, std::vector<Variable> inputs, BackwardFunction backward);
// MakeVariable for several results. `backward` is called once, when the gradients of all of them are known.
std::vector<Variable> MakeVariables(const char* name, std::vector<Tensor> values, std::vector<Variable> inputs,
                                    BackwardFunction backward);

// Whether an operation on these inputs will be recorded; if not, it need not save anything.
bool GradientsWanted(const std::vector<Variable>& inputs);

// Records `forward` and immediately runs backward through it, with `gradient` for its result. Adds to the gradients of
// the variables it started from, in the same order as if it had been recorded in the first place. It is for backward
// functions that recompute their operation (engine/nn/checkpoint.h); the node's inputs must include everything that
// gets a gradient. Hooks are left to the enclosing Backward().
void BackwardThrough(const std::function<Variable()>& forward, const Tensor& gradient);

// While one is alive, this thread's operations record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;

 private:
  bool previous_;
};

// While enabled, every result is checked, forward and backward: the first one that is not finite throws Error naming
// the operation. This takes a pass over every result and serves to find where a NaN came from.
void SetAnomalyDetection(bool enabled);

}  // namespace orbit

#endif  // ORBIT_ENGINE_VARIABLE_H_
