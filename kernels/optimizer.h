// One step of an optimiser for all parameters at once, and the sum of squares for the norm of their gradients. The norm
// stays on the device: what follows from it, clipping and whether to step at all, does not wait for the host. What
// changes from step to step is in the device's memory as well, so that a step can be queued once and done many times.
#ifndef ORBIT_KERNELS_OPTIMIZER_H_
#define ORBIT_KERNELS_OPTIMIZER_H_

#include <cstdint>
#include <span>

#include "kernels/device.h"

namespace orbit::kernels {

// By what a step multiplies all gradients first: min(1, max_norm / (norm + 1e-6)) as PyTorch's clip_grad_norm_. Where
// the norm is not finite the step changes nothing.
struct Clipping {
  const double* squared_norm = nullptr;  // one number in the device's memory (SumOfSquares); null: the factor is 1
  double max_norm = 0;                   // 0: the factor is 1
};

template <class T>
struct AdamFactors {
  T step_size;    // learning rate / (1 - beta1^t)
  T root_factor;  // 1 / sqrt(1 - beta2^t)
  T kept;         // decoupled decay: the parameter is first multiplied by this
};

template <class T>
struct AdamTensor {
  int64_t size;
  T* parameter;
  const T* gradient;
  T* mean;                        // moving average of the gradient
  T* square;                      // moving average of its square
  const AdamFactors<T>* factors;  // of this step, in the device's memory
  T gradient_decay;               // l2 penalty: this times the parameter is added to the gradient
};

template <class T>
struct AdamRates {
  T beta1, beta2, epsilon;
};

// Kingma and Ba 2015, and Loshchilov and Hutter 2019 for the decoupled decay, as PyTorch has them:
//   g = factor * gradient + gradient_decay * parameter
//   mean += (1 - beta1) (g - mean),  square = beta2 square + (1 - beta2) g^2
//   parameter = kept * parameter - step_size * mean / (root_factor * sqrt(square) + epsilon)
template <class Device, class T>
void AdamStep(Device device, std::span<const AdamTensor<T>> tensors, const AdamRates<T>& rates,
              const Clipping& clipping);

template <class T>
struct SgdTensor {
  int64_t size;
  T* parameter;
  const T* gradient;
  T* velocity;  // unused, and may be null, where momentum is 0
  T gradient_decay;
};

template <class T>
struct SgdRates {
  const T* learning_rate;  // in the device's memory
  T momentum;
  bool nesterov;
};

// g = factor * gradient + gradient_decay * parameter,  velocity = momentum * velocity + g, and the parameter
// moves by -learning_rate times the velocity, or, with nesterov, times g + momentum * velocity.
template <class Device, class T>
void SgdStep(Device device, std::span<const SgdTensor<T>> tensors, const SgdRates<T>& rates, const Clipping& clipping);

template <class T>
struct Array {
  int64_t size;
  const T* data;
};

// *sum, in the device's memory, = the sum of the squares of all elements of all arrays, in double precision and in an
// order that the sizes alone determine.
template <class Device, class T>
void SumOfSquares(Device device, std::span<const Array<T>> arrays, double* sum);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_OPTIMIZER_H_
