// Vectors in space, and the activation of vector neurons (formula in kernels/vector_neurons.h): a row's feature p,
// whose length is normalised, along its direction d.
#ifndef ORBIT_KERNELS_CUDA_VECTOR_NEURON_ACTIVATION_H_
#define ORBIT_KERNELS_CUDA_VECTOR_NEURON_ACTIVATION_H_

#include "kernels/cuda/gpu.h"

namespace orbit::kernels {
namespace {

template <class T>
struct Spatial {
  T x, y, z;
};

template <class T>
__device__ T Dot(const Spatial<T>& a, const Spatial<T>& b) {
  return a.x * b.x + (a.y * b.y + a.z * b.z);
}
template <class T>
__device__ Spatial<T> operator+(const Spatial<T>& a, const Spatial<T>& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class T>
__device__ Spatial<T> operator*(T factor, const Spatial<T>& a) {
  return {factor * a.x, factor * a.y, factor * a.z};
}
template <class T>
__device__ Spatial<T> Load(const T* from, int64_t stride) {
  return {from[0], from[stride], from[2 * stride]};
}
template <class T>
__device__ void Store(const Spatial<T>& a, T* to, int64_t stride) {
  to[0] = a.x;
  to[stride] = a.y;
  to[2 * stride] = a.z;
}
template <class T>
__device__ void Add(const Spatial<T>& a, T* to, int64_t stride) {
  Store(Load(to, stride) + a, to, stride);
}

constexpr double kEps = 1e-6;

template <class T>
__device__ T LengthOf(const Spatial<T>& p) {
  return sqrt(Dot(p, p));
}

// The inverse of a length, and 0 for the zero vector, whose length gets derivative 0.
template <class T>
__device__ T InverseOf(T length) {
  return length > 0 ? T(1) / length : T(0);
}

// BatchNorm(m) = scale (m - mean) + bias.
template <class T>
struct Affine {
  T scale, mean, bias;
  __device__ T operator()(T m) const { return scale * (m - mean) + bias; }
};

template <class T>
__device__ Spatial<T> Activate(const Spatial<T>& p, const Spatial<T>& d, const Affine<T>& norm) {
  const T m = LengthOf(p) + T(kEps), ratio = norm(m) / m;
  const T below = min(ratio * Dot(p, d), T(0));
  return ratio * p + (T(-0.8) * below / (Dot(d, d) + T(kEps))) * d;
}

template <class T>
struct ActivationGradient {
  T m, db;            // db: gradient of b = BatchNorm(m)
  Spatial<T> dp, dd;  // dp: with mean and variance held constant
};

template <class T>
__device__ ActivationGradient<T> ActivateBackward(const Spatial<T>& p, const Spatial<T>& d, const Affine<T>& norm,
                                                  const Spatial<T>& dy) {
  const T length = LengthOf(p), m = length + T(kEps), inverse_square = T(1) / (Dot(d, d) + T(kEps));
  const T ratio = norm(m) / m, dot = ratio * Dot(p, d);  // q . d
  // y = q + factor (q . d) d.
  const T factor = dot < 0 ? T(-0.8) * inverse_square : T(0);
  const T g = Dot(dy, d), factor_g = factor * g, along = factor * dot;
  const Spatial<T> dq = dy + factor_g * d;
  const T db = Dot(dq, p) / m;
  const T radial = (norm.scale - ratio) * db * InverseOf(length);
  return {m, db, ratio * dq + radial * p,
          along * dy + (factor_g * ratio) * p + (T(-2) * along * g * inverse_square) * d};
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_VECTOR_NEURON_ACTIVATION_H_
