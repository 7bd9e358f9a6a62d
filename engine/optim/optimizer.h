// Optimizer: the base class of Adam, SGD and of optimisers that are divided among ranks (engine/optim/sharded.h).
//
// A training step:
//
//   optimizer.ZeroGrad();
//   loss.Backward();
//   optimizer.Step(learning_rate * schedule.Factor(step), SquaredGradientNorm(optimizer.parameters()), max_norm);
//
// None of it waits for the device. Parameters that are used in bf16 (engine/autocast.h) have a copy in bf16 while they
// have an optimiser, which writes it with the parameter.
#ifndef ORBIT_ENGINE_OPTIM_OPTIMIZER_H_
#define ORBIT_ENGINE_OPTIM_OPTIMIZER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor_map.h"
#include "engine/variable.h"
#include "kernels/optimizer.h"

namespace orbit::optim {

// Which parameters decay; if empty, all do.
using DecayFilter = std::function<bool(const NamedVariable&)>;

// A parameter's factor on the learning rate, for groups of parameters that learn at different rates; if empty, all
// factors are 1.
using RateFactor = std::function<double(const NamedVariable&)>;

class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  const std::vector<NamedVariable>& parameters() const { return parameters_; }

  void ZeroGrad() const;

  // Updates, in place, the parameters that have a gradient. As in PyTorch all others are left alone, without decay or
  // momentum. Given squared_norm from SquaredGradientNorm, gradients are first multiplied by min(1, max_norm / (norm +
  // 1e-6)), as in PyTorch's clip_grad_norm_, or not at all if max_norm is 0. If the norm is not finite, parameters and
  // state stay as they are, except for step counts.
  void Step(double learning_rate, const Tensor& squared_norm = {}, double max_norm = 0) {
    Update(Rates(learning_rate), squared_norm, max_norm);
  }

  // The two halves of Step, for captured steps (engine/step_graph.h). Rates returns what changes between steps as a
  // tensor on the host; Update does the work on the device and reads the rates there.
  virtual Tensor Rates(double learning_rate) const = 0;
  virtual void Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) = 0;

  // Everything but the parameters, named "KIND/PARAMETER"; shares storage with the optimiser.
  virtual TensorMap State() const { return state_; }
  // Throws Error unless names and shapes are those of State().
  virtual void LoadState(const TensorMap& state) { CopyTensors("the optimiser's state", state, state_); }

 protected:
  // Throws Error unless all parameters are f32 or f64, of one dtype, on one device, with distinct names,
  // and no two of them are one variable.
  explicit Optimizer(std::vector<NamedVariable> parameters, double weight_decay, const DecayFilter& decays);

  // Registers state KIND/PARAMETER, initially 0, for every parameter, and returns it in the order of the parameters.
  std::vector<Tensor> AddState(const std::string& kind);
  // Registers the number of steps of every parameter, i64 [] on the host.
  std::vector<Tensor> AddStepCounts();

  double weight_decay(size_t parameter) const { return weight_decays_[parameter]; }

  // The copies in bf16 that a kernel writes beside parameters of f32.
  class Rounded {
   public:
    explicit Rounded(const Optimizer& optimizer) : optimizer_(optimizer) {}
    // What the kernel is to write, or null; to be asked before the address of the parameter is.
    BFloat16* Of(size_t parameter);
    void Written() const;  // by the kernel, which has been queued

   private:
    const Optimizer& optimizer_;
    std::vector<size_t> parameters_;
  };

  // Throws Error unless squared_norm is undefined or comes from SquaredGradientNorm.
  static kernels::Clipping ClippingTo(const Tensor& squared_norm, double max_norm);

 private:
  std::vector<NamedVariable> parameters_;
  std::vector<std::shared_ptr<BF16Copy>> copies_;
  std::vector<double> weight_decays_;
  TensorMap state_;
};

// The squared l2 norm of all gradients together, f64 [] on their device. It is finite if and only if all gradients are.
Tensor SquaredGradientNorm(const std::vector<NamedVariable>& parameters);
// The square root of SquaredGradientNorm. Waits for the device.
double GradientNorm(const std::vector<NamedVariable>& parameters);

// The name of the first parameter whose gradient has a NaN or an infinity; empty if all are finite.
std::string FirstNonFiniteGradient(const std::vector<NamedVariable>& parameters);

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_OPTIMIZER_H_
