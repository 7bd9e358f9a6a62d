// One optimiser step for all parameters at once, and the sum of squares for the norm of their gradients. The norm stays
// on the device, so that clipping, and the decision whether to step at all, need not wait for the host. Everything that
// changes between steps is in device memory, too, so that a captured step can be replayed.
#ifndef ORBIT_KERNELS_OPTIMIZER_H_
#define ORBIT_KERNELS_OPTIMIZER_H_

#include <cstdint>
#include <span>

#include "kernels/bfloat16.h"
#include "kernels/device.h"

namespace orbit::kernels {

// The factor that a step applies to all gradients: min(1, max_norm / (norm + 1e-6)), as PyTorch's clip_grad_norm_. If
// the norm is not finite, the step changes nothing.
struct Clipping {
  const double* squared_norm = nullptr;  // one number in device memory, from SumOfSquares; null: the factor is 1
  double max_norm = 0;                   // 0: the factor is 1
};

template <class T>
struct AdamFactors {
  T step_size;    // learning rate / (1 - beta1^t)
  T root_factor;  // 1 / sqrt(1 - beta2^t)
  T kept;         // decoupled weight decay: factor on the parameter before the update
};

template <class T>
struct AdamTensor {
  int64_t size;
  T* parameter;
  const T* gradient;
  T* mean;                        // moving average of the gradient
  T* square;                      // moving average of its square
  const AdamFactors<T>* factors;  // for this step, in device memory
  T gradient_decay;               // L2 penalty: gradient_decay * parameter is added to the gradient
  BFloat16* rounded = nullptr;    // if not null, receives the updated parameter
};

template <class T>
struct AdamRates {
  T beta1, beta2, epsilon;
};

// Adam (Kingma and Ba, ICLR 2015) with decoupled decay (Loshchilov and Hutter, ICLR 2019), as in PyTorch:
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
  T* velocity;  // not used, and may be null, if momentum is 0
  T gradient_decay;
  BFloat16* rounded = nullptr;  // if not null, receives the updated parameter
};

template <class T>
struct SgdRates {
  const T* learning_rate;  // in device memory
  T momentum;
  bool nesterov;
};

// With g = factor * gradient + gradient_decay * parameter and velocity = momentum * velocity + g, the parameter moves
// by -learning_rate * velocity, or with nesterov by -learning_rate * (g + momentum * velocity).
template <class Device, class T>
void SgdStep(Device device, std::span<const SgdTensor<T>> tensors, const SgdRates<T>& rates, const Clipping& clipping);

template <class T>
struct Array {
  int64_t size;
  const T* data;
};

// *sum, in device memory, = sum of the squares of all elements of all arrays, in double precision and in an order that
// depends only on the sizes.
template <class Device, class T>
void SumOfSquares(Device device, std::span<const Array<T>> arrays, double* sum);

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_OPTIMIZER_H_
