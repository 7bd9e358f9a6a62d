#include <algorithm>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/vector.h"
#include "kernels/message_passing.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 256;

// ---- MessageSum and NormalizedMessageSum ----
//
// A block owns up to `lanes * kWidth` channels of one feature map (one sample of a graph). It keeps their x in shared
// memory as [rows, lanes] vectors of kWidth channels, so that the gathers along edges, which read x once per edge, stay
// on chip. A thread owns one column of vectors and every (256 / lanes)-th row, with its sum in registers. With a hub,
// threads also sum the x of their rows while loading it; the hub's row is the sum over the threads of a column, in a
// fixed order. With factors s, x is multiplied by its node's factor on loading and the sum on storing. Bytes: x and y
// once; offsets and sources once per slice of channels.
template <class T, int kWidth, bool kNormalized>
__global__ void __launch_bounds__(kThreads)
    MessageSumKernel(MessageShape shape, int lanes, const int32_t* offsets, const int32_t* sources,
                     const int32_t* num_nodes, const T* eps, const T* factors, const T* bias, const T* x, T* y) {
  using V = Vector<T, kWidth>;
  const int64_t map = blockIdx.x, graph = map / shape.samples;
  const int rows = static_cast<int>(shape.rows()), hub = shape.hub ? 1 : 0;
  const int columns = static_cast<int>(shape.channels) / kWidth;  // vectors per row of x
  const int lane = threadIdx.x % lanes, first = threadIdx.x / lanes, stride = kThreads / lanes;
  const int column = blockIdx.y * lanes + lane;
  const bool mine = column < columns;
  const int nodes = shape.hub ? num_nodes[graph] : 0;  // nodes that the hub is joined to
  const V* from = reinterpret_cast<const V*>(x) + map * rows * columns + column;
  V* to = reinterpret_cast<V*>(y) + map * rows * columns + column;
  const T factor = T(1) + *eps;

  V* tile = DynamicShared<V>();  // [rows, lanes]; with a hub also [stride, lanes] partial sums
  V* partial = tile + rows * lanes;
  V sum = {};
  for (int r = first; r < rows; r += stride) {
    V value = mine ? from[r * columns] : V{};
    if constexpr (kNormalized) value = factors[graph * shape.n + r] * value;
    tile[r * lanes + lane] = value;
    if (r >= hub && r < hub + nodes) sum += value;
  }
  if (hub) partial[first * lanes + lane] = sum;
  __syncthreads();
  if (!mine) return;

  offsets += graph * shape.n;
  for (int r = first; r < rows; r += stride) {
    V result = factor * tile[r * lanes + lane];
    if (r < hub) {
      result += tile[lane];
      for (int part = 0; part < stride; ++part) result += partial[part * lanes + lane];
    } else {
      const int node = r - hub;
      for (int edge = offsets[node]; edge < offsets[node + 1]; ++edge)
        result += tile[(hub + sources[edge]) * lanes + lane];
      if (node < nodes) result += tile[lane];
    }
    if constexpr (kNormalized) {
      result = factors[graph * shape.n + r] * result;
      if (bias) result += reinterpret_cast<const V*>(bias)[column];
    }
    to[r * columns] = result;
  }
}

template <class T, int kWidth, bool kNormalized>
void LaunchMessageSum(Gpu gpu, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                      const int32_t* num_nodes, const T* eps, const T* factors, const T* bias, const T* x, T* y) {
  constexpr int64_t kTileBytes = 64 << 10;  // leaves room for three blocks per multiprocessor
  const int64_t columns = shape.channels / kWidth;
  const auto bytes = [&](int lanes) {
    return (shape.rows() + (shape.hub ? kThreads / lanes : 0)) * lanes * int64_t{sizeof(Vector<T, kWidth>)};
  };
  int lanes = 32;
  while (lanes > 1 && (lanes / 2 >= columns || bytes(lanes) > kTileBytes)) lanes /= 2;
  Launch("MessageSum", gpu, dim3(shape.graphs * shape.samples, DivideUp(columns, lanes)), dim3(kThreads), bytes(lanes),
         MessageSumKernel<T, kWidth, kNormalized>, shape, lanes, offsets, sources, num_nodes, eps, factors, bias, x, y);
}

template <bool kNormalized, class T>
void SumMessages(Gpu gpu, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                 const int32_t* num_nodes, const T* eps, const T* factors, const T* bias, const T* x, T* y) {
  if (shape.size() == 0) return;
  const auto launch = [&]<int kWidth>() {
    LaunchMessageSum<T, kWidth, kNormalized>(gpu, shape, offsets, sources, num_nodes, eps, factors, bias, x, y);
  };
  if constexpr (sizeof(T) == 4)
    if (shape.channels % 4 == 0 && IsAligned<T, 4>(x, y, bias)) return launch.template operator()<4>();
  if (shape.channels % 2 == 0 && IsAligned<T, 2>(x, y, bias)) return launch.template operator()<2>();
  launch.template operator()<1>();
}

// ---- NodeMask ----

template <class T>
__global__ void __launch_bounds__(kThreads) NodeMaskKernel(int64_t size, int64_t n, const int32_t* num_nodes, T* mask) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < size) mask[i] = i % n < num_nodes[i / n] ? T(1) : T(0);
}

// ---- DotProduct ----
//
// Two launches: each block sums its share, a thread in order and the threads as a tree; then one block adds the blocks'
// sums. Both in double, in an order that depends only on the size. Bytes: a and b once.

constexpr int kMaxBlocks = 1024;

template <class T>
__global__ void __launch_bounds__(kThreads) PartialDotProduct(int64_t size, const T* a, const T* b, double* partial) {
  double sum = 0;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < size; i += int64_t{gridDim.x} * kThreads)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  sum = BlockSum<kThreads>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

}  // namespace

template <class Device, class T>
void MessageSum(Device gpu, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                const int32_t* num_nodes, const T* eps, const T* x, T* y) {
  SumMessages<false, T>(gpu, shape, offsets, sources, num_nodes, eps, nullptr, nullptr, x, y);
}

template <class Device, class T>
void NormalizedMessageSum(Device gpu, const MessageShape& shape, const int32_t* offsets, const int32_t* sources,
                          const T* eps, const T* s, const T* bias, const T* x, T* y) {
  SumMessages<true, T>(gpu, shape, offsets, sources, nullptr, eps, s, bias, x, y);
}

template <class Device, class T>
void NodeMask(Device gpu, int64_t graphs, int64_t n, const int32_t* num_nodes, T* mask) {
  if (graphs * n == 0) return;
  Launch("NodeMask", gpu, dim3(DivideUp<int64_t>(graphs * n, kThreads)), dim3(kThreads), 0, NodeMaskKernel<T>,
         graphs * n, n, num_nodes, mask);
}

template <class Device, class T>
void DotProduct(Device gpu, int64_t size, const T* a, const T* b, T* result) {
  const int blocks = static_cast<int>(std::clamp<int64_t>(DivideUp(size, 4 * kThreads), 1, kMaxBlocks));
  const Scratch<double> partial(gpu, blocks);
  Launch("DotProduct", gpu, dim3(blocks), dim3(kThreads), 0, PartialDotProduct<T>, size, a, b, partial.data());
  Launch("DotProduct", gpu, dim3(1), dim3(kThreads), 0, AddUp<kThreads, T>, blocks, partial.data(), result);
}

#define ORBIT_INSTANTIATE(T)                                                                                       \
  template void NormalizedMessageSum(Gpu, const MessageShape&, const int32_t*, const int32_t*, const T*, const T*, \
                                     const T*, const T*, T*);                                                      \
  template void MessageSum(Gpu, const MessageShape&, const int32_t*, const int32_t*, const int32_t*, const T*,     \
                           const T*, T*);                                                                          \
  template void NodeMask(Gpu, int64_t, int64_t, const int32_t*, T*);                                               \
  template void DotProduct(Gpu, int64_t, const T*, const T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
