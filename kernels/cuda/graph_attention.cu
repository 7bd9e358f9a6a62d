#include "kernels/cuda/edges.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/graph_attention.h"

namespace orbit::kernels {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;

// One head of one feature map, which a block owns. A graph's features are a few KB and stay in the L1 cache.
template <class T>
struct Map {
  int n, heads, channels;
  T slope;
  const int32_t* offsets;  // offsets of the graph's nodes
  const int32_t* sources;
  const T *z, *from, *to;  // from the map's first node on, for this head

  __device__ Map(const GraphAttentionShape& shape, T slope, const int32_t* all_offsets, const int32_t* sources,
                 const T* all_z, const T* all_from, const T* all_to)
      : n(static_cast<int>(shape.n)),
        heads(static_cast<int>(shape.heads)),
        channels(static_cast<int>(shape.channels)),
        slope(slope),
        offsets(all_offsets + blockIdx.x / shape.samples * shape.n),
        sources(sources),
        z(all_z + Feature(0)),
        from(all_from + Score(0)),
        to(all_to + Score(0)) {}

  __device__ int64_t Score(int node) const {
    return (int64_t{blockIdx.x} * n + node) * heads + static_cast<int>(blockIdx.y);
  }
  __device__ int64_t Feature(int node) const { return Score(node) * channels; }
  __device__ const T* Z(int node) const { return z + int64_t{node} * heads * channels; }

  // Node i has 1 + (listed edges) incoming edges; edge 0 comes from the node itself.
  __device__ int Degree(int i) const { return 1 + offsets[i + 1] - offsets[i]; }
  __device__ int Source(int i, int edge) const { return edge == 0 ? i : sources[offsets[i] + edge - 1]; }
  __device__ T Raw(int source, int target) const { return from[source * heads] + to[target * heads]; }
  __device__ T Derivative(T raw) const { return raw > 0 ? T(1) : slope; }
  __device__ T Logit(T raw) const { return raw * Derivative(raw); }
};

template <class T>
struct Softmax {
  T largest, sum;
  __device__ T Weight(T logit) const { return exp(logit - largest) / sum; }
};

template <class T>
__device__ T WarpMax(T value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value = max(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

// The softmax over the edges into node i; all lanes of a warp call it.
template <class T>
__device__ Softmax<T> SoftmaxOf(const Map<T>& map, int i) {
  const int lane = threadIdx.x % 32, degree = map.Degree(i);
  T largest = map.Logit(map.Raw(i, i)), sum = 0;
  for (int e = lane; e < degree; e += 32) largest = max(largest, map.Logit(map.Raw(map.Source(i, e), i)));
  largest = WarpMax(largest);
  for (int e = lane; e < degree; e += 32) sum += exp(map.Logit(map.Raw(map.Source(i, e), i)) - largest);
  return {largest, WarpSum(sum)};
}

// A warp processes one node after another; its lanes share the channels. Bytes: z, from and to once, y once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    ForwardKernel(GraphAttentionShape shape, T slope, const int32_t* offsets, const int32_t* sources, const T* z,
                  const T* from, const T* to, T* y) {
  const Map<T> map(shape, slope, offsets, sources, z, from, to);
  for (int i = threadIdx.x / 32; i < map.n; i += kWarps) {
    const Softmax<T> softmax = SoftmaxOf(map, i);
    const int degree = map.Degree(i);
    for (int c = threadIdx.x % 32; c < map.channels; c += 32) {
      T sum = 0;
      for (int e = 0; e < degree; ++e) {
        const int source = map.Source(i, e);
        sum += softmax.Weight(map.Logit(map.Raw(source, i))) * map.Z(source)[c];
      }
      y[map.Feature(i) + c] = sum;
    }
  }
}

// dy_i . z_j; all lanes of a warp call it.
template <class T>
__device__ T Product(const Map<T>& map, const T* dy, int i, int j) {
  T sum = 0;
  for (int c = threadIdx.x % 32; c < map.channels; c += 32) sum += dy[map.Feature(i) + c] * map.Z(j)[c];
  return WarpSum(sum);
}

// First a warp takes one target after another: the target's softmax and the mean of its weights' gradients go to shared
// memory [3, n], and dto follows. Then a warp takes one source after another and searches the graph's edges, in order,
// for those leaving it; a lane sums the gradient of every 32nd channel. Bytes: z, from, to and dy once; dz, dfrom and
// dto once.
template <class T>
__global__ void __launch_bounds__(kThreads)
    BackwardKernel(GraphAttentionShape shape, T slope, const int32_t* offsets, const int32_t* sources, const T* z,
                   const T* from, const T* to, const T* dy, T* dz, T* dfrom, T* dto) {
  const Map<T> map(shape, slope, offsets, sources, z, from, to);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  T* largest = DynamicShared<T>();
  T *sums = largest + map.n, *means = sums + map.n;
  for (int i = warp; i < map.n; i += kWarps) {
    const Softmax<T> softmax = SoftmaxOf(map, i);
    T mean = 0, sloped = 0, slopes = 0;
    for (int e = 0; e < map.Degree(i); ++e) {
      const int source = map.Source(i, e);
      const T raw = map.Raw(source, i), weight = softmax.Weight(map.Logit(raw));
      const T dweight = Product(map, dy, i, source);
      mean += weight * dweight;
      sloped += weight * dweight * map.Derivative(raw);
      slopes += weight * map.Derivative(raw);
    }
    if (lane > 0) continue;
    largest[i] = softmax.largest;
    sums[i] = softmax.sum;
    means[i] = mean;
    dto[map.Score(i)] = sloped - mean * slopes;
  }
  __syncthreads();

  for (int j = warp; j < map.n; j += kWarps) {
    T dscores = 0;
    for (int c = lane; c < map.channels; c += 32) dz[map.Feature(j) + c] = 0;
    const auto add = [&](int i) {  // the edge from j to i
      const T raw = map.Raw(j, i), weight = Softmax<T>{largest[i], sums[i]}.Weight(map.Logit(raw));
      dscores += weight * (Product(map, dy, i, j) - means[i]) * map.Derivative(raw);
      for (int c = lane; c < map.channels; c += 32) dz[map.Feature(j) + c] += weight * dy[map.Feature(i) + c];
    };
    add(j);
    ForTargets(map.offsets, map.n, map.sources, j, add);
    if (lane == 0) dfrom[map.Score(j)] = dscores;
  }
}

dim3 Blocks(const GraphAttentionShape& shape) {
  return dim3(shape.graphs * shape.samples, static_cast<unsigned>(shape.heads));
}

}  // namespace

template <class Device, class T>
void GraphAttention(Device gpu, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                    const int32_t* sources, const T* z, const T* from, const T* to, T* y) {
  if (shape.nodes() * shape.heads == 0) return;
  Launch("GraphAttention", gpu, Blocks(shape), dim3(kThreads), 0, ForwardKernel<T>, shape, slope, offsets, sources, z,
         from, to, y);
}

template <class Device, class T>
void GraphAttentionBackward(Device gpu, const GraphAttentionShape& shape, T slope, const int32_t* offsets,
                            const int32_t* sources, const T* z, const T* from, const T* to, const T* dy, T* dz,
                            T* dfrom, T* dto) {
  if (shape.nodes() * shape.heads == 0) return;
  Launch("GraphAttentionBackward", gpu, Blocks(shape), dim3(kThreads), 3 * shape.n * sizeof(T), BackwardKernel<T>,
         shape, slope, offsets, sources, z, from, to, dy, dz, dfrom, dto);
}

#define ORBIT_INSTANTIATE(T)                                                                                           \
  template void GraphAttention(Gpu, const GraphAttentionShape&, T, const int32_t*, const int32_t*, const T*, const T*, \
                               const T*, T*);                                                                          \
  template void GraphAttentionBackward(Gpu, const GraphAttentionShape&, T, const int32_t*, const int32_t*, const T*,   \
                                       const T*, const T*, const T*, T*, T*, T*);
ORBIT_INSTANTIATE(float)
ORBIT_INSTANTIATE(double)
#undef ORBIT_INSTANTIATE

}  // namespace orbit::kernels
