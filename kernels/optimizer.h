// One step of an optimiser for all parameters at once, and the sum of squares for the norm of their gradients.
#ifndef ORBIT_KERNELS_OPTIMIZER_H_
#define ORBIT_KERNELS_OPTIMIZER_H_

#include <cstdint>
#include <span>

#include "kernels/device.h"

namespace orbit::kernels {

template <class T>
struct AdamTensor {
  int64_t size;
  T* parameter;
  const T* gradient;
  T* mean;           // moving average of the gradient
  T* square;         // moving average of its square
  T step_size;       // learning rate / (1 - beta1^t)
  T root_factor;     // 1 / sqrt(1 - beta2^t)
  T gradient_decay;  // l2 penalty: this times the parameter is added to the gradient
  T kept;            // decoupled decay: the parameter is first multiplied by this
};

template <class T>
struct AdamRates {
  T beta1, beta2, epsilon;
  T gradient_factor;  // gradients are multiplied by it first
};

// Kingma and Ba 2015, and Loshchilov and Hutter 2019 for the decoupled decay, as PyTorch has them:
//   g = gradient_factor * gradient + gradient_decay * parameter
//   mean += (1 - beta1) (g - mean),  square = beta2 square + (1 - beta2) g^2
//   parameter = kept * parameter - step_size * mean / (root_factor * sqrt(square) + epsilon)
template <class Device, class T>
void AdamStep(Device device, std::span<const AdamTensor<T>> tensors, const AdamRates<T>& rates);

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
  T learning_rate;
  T momentum;
  bool nesterov;
  T gradient_factor;
};

// g = gradient_factor * gradient + gradient_decay * parameter,  velocity = momentum * velocity + g, and the parameter
// moves by -learning_rate times the velocity, or, with nesterov, times g + momentum * velocity.
template <class Device, class T>
void SgdStep(Device device, std::span<const SgdTensor<T>> tensors, const SgdRates<T>& rates);

template <class T>
struct Array {
  int64_t size;
  const T* data;
};

// The sum of the squares of all elements of all arrays, in double precision.
template <class Device, class T>
double SumOfSquares(Device device, std::span<const Array<T>> arrays);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_OPTIMIZER_H_
