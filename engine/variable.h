// Variable: a tensor, the node that computed it, and its gradient.
//
// An operation computes its value, then calls MakeVariable with its inputs and a backward function. Backward() walks
// the recorded nodes from the last to the first; gradients accumulate in the leaves, those of intermediate results and
// what the nodes saved are freed on the way.
#ifndef ORBIT_ENGINE_VARIABLE_H_
#define ORBIT_ENGINE_VARIABLE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace orbit {

class Variable;

// What a backward function receives: the gradients of the results, and where to leave those of the inputs.
class Gradients {
 public:
  Gradients(const std::vector<Variable>& inputs, std::vector<Tensor> outputs)
      : inputs_(inputs), outputs_(std::move(outputs)) {}

  const Tensor& output() const { return outputs_[0]; }
  // Of one of several results; undefined where nothing depends on it.
  const Tensor& output(size_t i) const { return outputs_[i]; }
  // Whether the gradient of input i is wanted; computing it otherwise is wasted work.
  bool Needs(size_t i) const;
  // Adds to the gradient of input i, where it is wanted. The tensor is shared, not copied: leave it unchanged.
  void Add(size_t i, const Tensor& gradient) const;

 private:
  const std::vector<Variable>& inputs_;
  std::vector<Tensor> outputs_;
};

using BackwardFunction = std::function<void(const Gradients&)>;

class Variable {
 public:
  Variable() = default;  // undefined
  // A constant, or a leaf whose gradient is wanted. Implicit, so that operations take tensors as constants.
  Variable(Tensor value, bool requires_grad = false);  // NOLINT(google-explicit-constructor)

  bool defined() const { return state_ != nullptr; }
  const Tensor& value() const;
  // The accumulated gradient, undefined before Backward() reached this variable. Kept for leaves only.
  const Tensor& grad() const;
  bool requires_grad() const;
  void set_requires_grad(bool requires_grad) const;  // of a leaf
  void set_value(Tensor value) const;                // of a leaf
  void set_grad(Tensor grad) const;
  void ZeroGrad() const { set_grad({}); }
  // Adds to the gradient, which has the value's dtype: bf16 for an f32 value is added up in f32.
  void AddGrad(const Tensor& gradient) const;

  const Shape& shape() const { return value().shape(); }
  int64_t dim(int64_t axis) const { return value().dim(axis); }
  int64_t rank() const { return value().rank(); }
  int64_t size() const { return value().size(); }
  DType dtype() const { return value().dtype(); }
  Device device() const { return value().device(); }

  // The same value as a constant.
  Variable Detach() const { return Variable(value()); }

  // Gradients of this scalar with respect to every leaf it was computed from. The recorded graph is consumed.
  void Backward() const;
  // The same for sum(this * gradient).
  void Backward(const Tensor& gradient) const;

  // Has `hook` called, with this leaf, once in every Backward() that reaches it, as soon as that will add no more to
  // grad(), however many operations use the leaf. It may change the gradient. An empty function takes the hook away.
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

// A parameter of a module, by its name there.
struct NamedVariable {
  std::string name;
  Variable variable;
};

// The result of an operation called `name`. Nothing is recorded, and backward is dropped, where no input requires a
// gradient or a NoGrad is alive.
Variable MakeVariable(const char* name, Tensor value, std::vector<Variable> inputs, BackwardFunction backward);
// The same for several results; backward is called once, when the gradients of all are known.
std::vector<Variable> MakeVariables(const char* name, std::vector<Tensor> values, std::vector<Variable> inputs,
                                    BackwardFunction backward);

// Whether an operation on these inputs will be recorded: it need not save anything otherwise.
bool GradientsWanted(const std::vector<Variable>& inputs);

// Records `forward` and goes back through what it recorded, with the gradient of its result, adding to the gradients of
// the variables that it started from, in the order in which they would have come had it been recorded at first. For
// backward functions that compute their operation again (engine/nn/checkpoint.h); the node's inputs must name all that
// gets a gradient. No hook is called: the Backward() that this is a part of does.
void BackwardThrough(const std::function<Variable()>& forward, const Tensor& gradient);

// While one is alive on this thread, operations record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;

 private:
  bool previous_;
};

// While `enabled`, the result of every operation is checked: the first value that is not finite, forward or backward,
// throws Error naming the operation. It costs a pass over every result; meant for finding where a NaN came from.
void SetAnomalyDetection(bool enabled);

}  // namespace orbit

#endif  // ORBIT_ENGINE_VARIABLE_H_
