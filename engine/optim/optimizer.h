// Optimizer: the base of Adam and SGD.
//
// A training step:
//
//   optimizer.ZeroGrad();
//   loss.Backward();
//   optimizer.Step(learning_rate * schedule.Factor(step), SquaredGradientNorm(optimizer.parameters()), max_norm);
//
// None of it waits for the device.
#ifndef ORBIT_ENGINE_OPTIM_OPTIMIZER_H_
#define ORBIT_ENGINE_OPTIM_OPTIMIZER_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor_map.h"
#include "engine/variable.h"
#include "kernels/optimizer.h"

namespace orbit::optim {

// Which parameters decay; all where it is empty.
using DecayFilter = std::function<bool(const NamedVariable&)>;

class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  const std::vector<NamedVariable>& parameters() const { return parameters_; }

  void ZeroGrad() const;

  // Updates, in place, the parameters that have a gradient; as in PyTorch the others stay as they are, decay and
  // momentum included. With squared_norm, which SquaredGradientNorm has made, gradients are first multiplied by
  // min(1, max_norm / (norm + 1e-6)), as PyTorch's clip_grad_norm_ does (max_norm = 0: they are not), and where the
  // norm is not finite the parameters and the state, but for step counts, stay as they are.
  void Step(double learning_rate, const Tensor& squared_norm = {}, double max_norm = 0) {
    Update(Rates(learning_rate), squared_norm, max_norm);
  }

  // The two halves of Step, for steps that are captured (engine/step_graph.h): what changes from step to step, as a
  // tensor on the host, and the work on the device, which reads it there.
  virtual Tensor Rates(double learning_rate) const = 0;
  virtual void Update(const Tensor& rates, const Tensor& squared_norm, double max_norm) = 0;

  // Everything but the parameters, as "KIND/PARAMETER"; shares storage with the optimiser.
  TensorMap State() const { return state_; }
  // Throws Error unless the names and shapes are those of State().
  void LoadState(const TensorMap& state) { CopyTensors("the optimiser's state", state, state_); }

 protected:
  // All parameters are f32 or f64, of one dtype, on one device. Throws Error otherwise, or where a name comes twice.
  explicit Optimizer(std::vector<NamedVariable> parameters, double weight_decay, const DecayFilter& decays);

  // Registers the state KIND/PARAMETER; zeros. Returns it in the order of the parameters.
  std::vector<Tensor> AddState(const std::string& kind);
  // The same for a number of steps a parameter has been through, i64 [] on the host.
  std::vector<Tensor> AddStepCounts();

  double weight_decay(size_t parameter) const { return weight_decays_[parameter]; }

  // Throws Error unless squared_norm is undefined or what SquaredGradientNorm makes.
  static kernels::Clipping ClippingTo(const Tensor& squared_norm, double max_norm);

 private:
  std::vector<NamedVariable> parameters_;
  std::vector<double> weight_decays_;
  TensorMap state_;
};

// The squared l2 norm of all gradients together, f64 [] on their device; not finite exactly where one of them is not.
Tensor SquaredGradientNorm(const std::vector<NamedVariable>& parameters);
// Its root. Waits for the device.
double GradientNorm(const std::vector<NamedVariable>& parameters);

// The name of the first parameter with a NaN or an infinity in its gradient; empty where all are finite.
std::string FirstNonFiniteGradient(const std::vector<NamedVariable>& parameters);

}  // namespace orbit::optim

#endif  // ORBIT_ENGINE_OPTIM_OPTIMIZER_H_
