// Attention for one head of one sequence of up to 32 tokens, by a warp, in shared memory: with a row per lane in single
// precision or, for heads of 16 channels with operands for tensor cores, with tiles of scores that never leave the
// registers. Softmax is f32 in both.
#ifndef ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_ATTENTION_H_
#define ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_ATTENTION_H_

#include <limits>
#include <type_traits>

#include "kernels/cuda/gpu.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/warp_tile.h"

namespace orbit::kernels {
namespace {

constexpr int kSlotRows = 32;  // rows per sequence

// The columns of one head, and where Forward and Backward leave their results. Rows beyond the tokens must be finite up
// to the next multiple of 4, on tensor cores all of them.
template <class Operand>
struct HeadForward {
  Matrix<Operand> query, key, value;
  __device__ Matrix<Operand> result() const { return query; }
};
template <class Operand>
struct HeadBackward {
  Matrix<Operand> query, key, value, dresult;  // rows of dresult beyond the tokens are 0
  __device__ Matrix<Operand> dkey() const { return query; }
  __device__ Matrix<Operand> dquery() const { return key; }
  __device__ Matrix<Operand> result() const { return value; }
  __device__ Matrix<Operand> dvalue() const { return dresult; }

  __device__ HeadBackward Columns(int first) const {
    return {query.Columns(first), key.Columns(first), value.Columns(first), dresult.Columns(first)};
  }
};

template <class Operand, int kChannels>
constexpr bool kAttendsByTiles = !std::is_same_v<Operand, float> && kChannels == 16;

// ---- One row per lane ----

template <int kChannels, class Operand>
__device__ void LoadRow(Matrix<Operand> from, int row, float (&values)[kChannels]) {
  constexpr int kVector = Matrix<Operand>::kVector;
  const SharedAddress at = from.RowAt(row);
#pragma unroll
  for (int c = 0; c < kChannels; c += kVector) {
    const auto vector = *reinterpret_cast<const Vector<Operand, kVector>*>(from.At(at, c));
#pragma unroll
    for (int e = 0; e < kVector; ++e) values[c + e] = ToFloat(vector.elements[e]);
  }
}

template <int kChannels, class Operand>
__device__ void StoreRow(Matrix<Operand> to, int row, const float (&values)[kChannels]) {
  const SharedAddress at = to.RowAt(row);
#pragma unroll
  for (int c = 0; c < kChannels; c += 4) {
    const float vector[4] = {values[c], values[c + 1], values[c + 2], values[c + 3]};
    Store(to.At(at, c), vector);
  }
}

template <int kChannels>
__device__ float Dot(const float (&a)[kChannels], const float (&b)[kChannels]) {
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kChannels; ++c) sum += a[c] * b[c];
  return sum;
}

template <int kChannels>
__device__ void AddTo(float (&sum)[kChannels], float factor, const float (&values)[kChannels]) {
#pragma unroll
  for (int c = 0; c < kChannels; ++c) sum[c] += factor * values[c];
}

// Calls f(key) for the keys below `tokens`, and for those up to the next multiple of 4.
template <class F>
__device__ void ForKeys(int tokens, F&& f) {
#pragma unroll
  for (int first = 0; first < kSlotRows; first += 4)
    if (first < tokens) {
#pragma unroll
      for (int key = first; key < first + 4; ++key) f(key);
    }
}

// Computes the weights of the lane's query, 0 beyond the tokens, and returns the log-sum-exp of its scores.
template <int kChannels, class Operand>
__device__ float AttentionWeights(int tokens, const float (&query)[kChannels], Matrix<Operand> keys,
                                  float (&weights)[kSlotRows]) {
  const float scale = 1.0f / sqrt(static_cast<float>(kChannels));
  float largest = -std::numeric_limits<float>::infinity(), sum = 0;
  ForKeys(tokens, [&](int key) {
    float row[kChannels];
    LoadRow(keys, key, row);
    weights[key] = key < tokens ? Dot(query, row) * scale : -std::numeric_limits<float>::infinity();
    largest = max(largest, weights[key]);
  });
  ForKeys(tokens, [&](int key) {
    weights[key] = exp(weights[key] - largest);
    sum += weights[key];
  });
  const float inverse = 1.0f / sum;
  ForKeys(tokens, [&](int key) { weights[key] *= inverse; });
  return largest + log(sum);
}

// Registers: a query, its result and 32 weights.
template <int kChannels, class Operand>
__device__ void AttendByRows(int tokens, const HeadForward<Operand>& head) {
  const int lane = LaneAnew();
  float query[kChannels], weights[kSlotRows], sum[kChannels] = {};
  LoadRow(head.query, lane, query);
  AttentionWeights(tokens, query, head.key, weights);
  ForKeys(tokens, [&](int key) {
    float value[kChannels];
    LoadRow(head.value, key, value);
    AddTo(sum, weights[key], value);
  });
  StoreRow(head.result(), lane, sum);
}

// A lane owns a query and then a key. The results for its query overwrite the parts of its row's key and value that are
// no longer needed.
template <int kChannels, class Operand>
__device__ void AttendByRowsBackward(int tokens, const HeadBackward<Operand>& head) {
  const float scale = 1.0f / sqrt(static_cast<float>(kChannels));
  const int lane = LaneAnew();
  const bool exists = lane < tokens;
  float log_sum, along = 0;
  float key[kChannels], value[kChannels];
  {
    float query[kChannels], dresult[kChannels], weights[kSlotRows], dweights[kSlotRows];
    float result[kChannels] = {}, dquery[kChannels] = {};
    LoadRow(head.query, lane, query);
    log_sum = AttentionWeights(tokens, query, head.key, weights);
    LoadRow(head.dresult, lane, dresult);
    ForKeys(tokens, [&](int k) {
      float row[kChannels];
      LoadRow(head.value, k, row);
      dweights[k] = Dot(dresult, row);
      along += weights[k] * dweights[k];
      AddTo(result, weights[k], row);
    });
    ForKeys(tokens, [&](int k) {
      float row[kChannels];
      LoadRow(head.key, k, row);
      AddTo(dquery, weights[k] * (dweights[k] - along) * scale, row);
    });
    LoadRow(head.key, lane, key);
    LoadRow(head.value, lane, value);
    __syncwarp();  // keys and values have been read
#pragma unroll
    for (int c = 0; c < kChannels; ++c) {
      result[c] = exists ? result[c] : 0.0f;
      dquery[c] = exists ? dquery[c] : 0.0f;
    }
    StoreRow(head.result(), lane, result);
    StoreRow(head.dquery(), lane, dquery);
  }
  float dkey[kChannels] = {}, dvalue[kChannels] = {};
#pragma unroll 2
  for (int q = 0; q < tokens; ++q) {
    float query[kChannels], dresult[kChannels];
    LoadRow(head.query, q, query);
    LoadRow(head.dresult, q, dresult);
    const float weight = exp(Dot(key, query) * scale - __shfl_sync(kAllLanes, log_sum, q));
    const float slope = Dot(value, dresult) - __shfl_sync(kAllLanes, along, q);
    AddTo(dvalue, weight, dresult);
    AddTo(dkey, weight * slope * scale, query);
  }
  __syncwarp();  // queries and dresult have been read
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    dkey[c] = exists ? dkey[c] : 0.0f;
    dvalue[c] = exists ? dvalue[c] : 0.0f;
  }
  StoreRow(head.dkey(), lane, dkey);
  StoreRow(head.dvalue(), lane, dvalue);
}

// ---- By tiles: 16 channels, on tensor cores ----

// Turns scores [32 queries, 32 keys] into weights and computes log_sums for the lane's rows.
template <class Operand>
__device__ void Softmax(int tokens, TensorCoreTile<Operand>& scores, float (&log_sums)[4]) {
  constexpr float kScale = 0.25f;  // 1 / sqrt(16 channels)
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float largest = -std::numeric_limits<float>::infinity(), sum = 0;
#pragma unroll
    for (int v = 0; v < 4; ++v)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float& score = scores.values[i][v][e];
        score = scores.Column(v) + e < tokens ? score * kScale : -std::numeric_limits<float>::infinity();
        largest = max(largest, score);
      }
#pragma unroll
    for (int distance = 1; distance < 4; distance *= 2)
      largest = max(largest, __shfl_xor_sync(kAllLanes, largest, distance));
#pragma unroll
    for (int v = 0; v < 4; ++v)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float& score = scores.values[i][v][e];
        score = exp(score - largest);
        sum += score;
      }
    sum = WarpSum<4>(sum);
    const float inverse = 1.0f / sum;
#pragma unroll
    for (int v = 0; v < 4; ++v)
#pragma unroll
      for (int e = 0; e < 2; ++e) scores.values[i][v][e] *= inverse;
    log_sums[i] = largest + log(sum);
  }
}

// Given one number per row, gets the numbers that belong to the lane's columns.
__device__ inline void OfColumns(const float (&of_rows)[4], float (&of_columns)[4][2]) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int v = 0; v < 4; ++v)
#pragma unroll
    for (int e = 0; e < 2; ++e) of_columns[v][e] = __shfl_sync(kAllLanes, of_rows[v], (lane % 4 * 2 + e) * 4);
}

template <class Operand>
__device__ void StoreTile(int tokens, TensorCoreTile<Operand, 16>& tile, Matrix<Operand> to) {
  tile.ForEach([&](int, int, int row, int column, float(&values)[2]) {
    const float kept[2] = {row < tokens ? values[0] : 0.0f, row < tokens ? values[1] : 0.0f};
    Store(to.At(row, column), kept);
  });
}

template <class Operand>
__device__ void AttendByTiles(int tokens, const HeadForward<Operand>& head) {
  TensorCoreTile<Operand> weights;
  TensorCoreTile<Operand, 16> result;
  float log_sums[4];
  weights.Clear();
  weights.MultiplyNT(head.query, head.key, 16);
  Softmax(tokens, weights, log_sums);
  result.Clear();
  result.MultiplyTile(weights, head.value);
  __syncwarp();  // queries have been read
  StoreTile(tokens, result, head.result());
}

// The scores are computed twice: with queries as rows and with keys as rows.
template <class Operand>
__device__ void AttendByTilesBackward(int tokens, const HeadBackward<Operand>& head) {
  constexpr float kScale = 0.25f;
  using Scores = TensorCoreTile<Operand>;
  Scores weights, slopes;
  TensorCoreTile<Operand, 16> result, dquery, dkey, dvalue;
  float log_sums[4], along[4] = {};
  weights.Clear();
  weights.MultiplyNT(head.query, head.key, 16);
  Softmax(tokens, weights, log_sums);
  result.Clear();
  result.MultiplyTile(weights, head.value);
  slopes.Clear();
  slopes.MultiplyNT(head.dresult, head.value, 16);
  slopes.ForEach([&](int i, int v, int, int, float(&values)[2]) {
#pragma unroll
    for (int e = 0; e < 2; ++e) along[i] += weights.values[i][v][e] * values[e];
  });
#pragma unroll
  for (int i = 0; i < 4; ++i) along[i] = WarpSum<4>(along[i]);
  slopes.ForEach([&](int i, int v, int, int, float(&values)[2]) {
#pragma unroll
    for (int e = 0; e < 2; ++e) values[e] = weights.values[i][v][e] * (values[e] - along[i]) * kScale;
  });
  dquery.Clear();
  dquery.MultiplyTile(slopes, head.key);

  float log_sum_of[4][2], along_of[4][2];
  OfColumns(log_sums, log_sum_of);
  OfColumns(along, along_of);
  weights.Clear();
  weights.MultiplyNT(head.key, head.query, 16);
  weights.ForEach([&](int, int v, int, int, float(&values)[2]) {
#pragma unroll
    for (int e = 0; e < 2; ++e) values[e] = exp(values[e] * kScale - log_sum_of[v][e]);
  });
  dvalue.Clear();
  dvalue.MultiplyTile(weights, head.dresult);
  slopes.Clear();
  slopes.MultiplyNT(head.value, head.dresult, 16);
  slopes.ForEach([&](int i, int v, int, int, float(&values)[2]) {
#pragma unroll
    for (int e = 0; e < 2; ++e) values[e] = weights.values[i][v][e] * (values[e] - along_of[v][e]) * kScale;
  });
  dkey.Clear();
  dkey.MultiplyTile(slopes, head.query);
  __syncwarp();  // all has been read
  StoreTile(tokens, result, head.result());
  StoreTile(tokens, dquery, head.dquery());
  StoreTile(tokens, dkey, head.dkey());
  StoreTile(tokens, dvalue, head.dvalue());
}

template <int kChannels, class Operand>
__device__ void Attend(int tokens, const HeadForward<Operand>& head) {
  if constexpr (kAttendsByTiles<Operand, kChannels>)
    AttendByTiles(tokens, head);
  else
    AttendByRows<kChannels>(tokens, head);
}

template <int kChannels, class Operand>
__device__ void AttendBackward(int tokens, const HeadBackward<Operand>& head) {
  if constexpr (kAttendsByTiles<Operand, kChannels>)
    AttendByTilesBackward(tokens, head);
  else
    AttendByRowsBackward<kChannels>(tokens, head);
}

}  // namespace
}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_TRANSFORMER_LAYER_ON_CHIP_ATTENTION_H_
