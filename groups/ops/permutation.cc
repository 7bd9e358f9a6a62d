#include "groups/ops/permutation.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/dispatch.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "groups/ops/rotation.h"
#include "kernels/permutation_entropy.h"
#include "kernels/permute.h"
#include "kernels/soft_sort.h"

namespace orbit {
namespace {

constexpr double kSmallestNorm = 1e-6;

kernels::SoftSortProblem ProblemOf(const Tensor& scores, const Tensor& num_nodes, double tau, int iterations) {
  return {scores.dim(0), scores.dim(1), scores.dim(2), num_nodes.data_or_null<int32_t>(), tau, iterations};
}

void CheckScores(const Tensor& scores, const Tensor& num_nodes) {
  Check(scores.rank() == 3, "scores [batch, samples, n] expected, got ", scores.Describe());
  Check(!num_nodes.defined() || (num_nodes.dtype() == DType::kI32 && num_nodes.shape() == Shape{scores.dim(0)}),
        "node counts i32 [", scores.dim(0), "] expected, got ", num_nodes.Describe());
}

// Divides scores by their l2 norm over the graph's nodes; 0 beyond them. Where the norm's square is not in the dtype's
// range it is taken to be the range's end, which leaves the scores' order.
Variable Normalize(const Variable& scores, const Tensor& num_nodes) {
  Variable x = scores;
  if (num_nodes.defined()) x = Mul(x, NodeMask(num_nodes, x.dim(2), x.dtype()).Reshape({x.dim(0), 1, x.dim(2)}));
  const Variable squares = Sum(Square(x), {-1}, /*keepdim=*/true);
  const double largest = x.dtype() == DType::kF64 ? std::numeric_limits<double>::max()
                                                  : static_cast<double>(std::numeric_limits<float>::max());
  return Div(x, Sqrt(Clamp(squares, kSmallestNorm * kSmallestNorm, largest)));
}

// The action of the dense matrices `soft`, the same for every channel.
Variable DenseAct(const Permutation& permutation, int order, const Variable& x, bool inverse) {
  const int64_t n = permutation.nodes(), channels = x.dim(-1);
  const auto act = [&](const Variable& y) {
    return inverse ? RotateTransposed(permutation.soft, y) : Rotate(permutation.soft, y);
  };
  Shape lead = {permutation.batch()};
  if (!inverse) lead.push_back(permutation.samples());
  const auto with = [](Shape shape, const Shape& more) {
    shape.insert(shape.end(), more.begin(), more.end());
    return shape;
  };
  Variable y = act(Reshape(x, with(lead, {1, n, order == 1 ? channels : n * channels})));
  lead = {permutation.batch(), permutation.samples()};
  if (order == 1) return Reshape(y, with(lead, {n, channels}));
  // The second axis, now that every sample has its own tensor.
  y = Reshape(y, with(lead, {n, n, channels}));
  return inverse ? RotateTransposed(permutation.soft, y) : Rotate(permutation.soft, y);
}

// The action by indexing, with the straight-through gradient where there is a soft part. Each part of x serves `repeat`
// permutations in a row.
Variable HardAct(const Permutation& permutation, int order, const Variable& x, bool inverse, int64_t repeat) {
  const int64_t n = permutation.nodes(), rows = permutation.batch() * permutation.samples(), channels = x.dim(-1);
  Shape shape = {permutation.batch(), permutation.samples(), n};
  if (order == 2) shape.push_back(n);
  shape.push_back(channels);
  Tensor y = Tensor::Empty(shape, x.dtype(), x.device());
  const Tensor index = permutation.index;
  Dispatch("Permute", x.value(), [&]<class T>(auto device, std::type_identity<T>) {
    kernels::Permute(device, order, rows, repeat, n, channels, inverse, index.data<int32_t>(), x.value().data<T>(),
                     y.data<T>());
  });
  return MakeVariable("Permute", y, {x, permutation.soft}, [=, x = x.value()](const Gradients& gradients) {
    const Tensor& dy = gradients.output();
    if (gradients.Needs(0)) {
      Tensor dx = Tensor::EmptyLike(x);
      Dispatch("Permute", x, [&]<class T>(auto device, std::type_identity<T>) {
        kernels::PermuteBackward(device, order, rows, repeat, n, channels, inverse, index.data<int32_t>(), dy.data<T>(),
                                 dx.data<T>());
      });
      gradients.Add(0, dx);
    }
    if (gradients.Needs(1)) {
      Tensor dsoft = Tensor::Empty({index.dim(0), index.dim(1), n, n}, x.dtype(), x.device());
      Dispatch("Permute", x, [&]<class T>(auto device, std::type_identity<T>) {
        kernels::PermuteStraightThrough(device, order, rows, repeat, n, channels, inverse, index.data<int32_t>(),
                                        x.data<T>(), dy.data<T>(), T(0), dsoft.data<T>());
      });
      gradients.Add(1, dsoft);
    }
  });
}

Variable ActBy(const Permutation& permutation, int order, const Variable& x, bool inverse) {
  Shape expected = {permutation.batch()};
  if (!inverse) expected.push_back(permutation.samples());
  expected.insert(expected.end(), order, permutation.nodes());
  Check((order == 1 || order == 2) && x.rank() == static_cast<int64_t>(expected.size()) + 1 &&
            std::equal(expected.begin(), expected.end(), x.shape().begin()),
        "a permutation of ", ToString(permutation.index.shape()), " acts with ", order, " node axes on ",
        ToString(expected), " and channels, got ", x.value().Describe());
  if (!permutation.hard) return DenseAct(permutation, order, x, inverse);
  return HardAct(permutation, order, x, inverse, inverse ? permutation.samples() : 1);
}

}  // namespace

Permutation SoftSort(const Variable& scores, const Tensor& num_nodes, const SoftSortOptions& options) {
  CheckScores(scores.value(), num_nodes);
  if (options.hard && !GradientsWanted({scores})) return Sort(Normalize(scores, num_nodes).value(), num_nodes);
  const Variable x = Normalize(scores, num_nodes);
  const int64_t n = x.dim(2);
  const kernels::SoftSortProblem problem = ProblemOf(x.value(), num_nodes, options.tau, options.iterations);
  const Tensor index = Tensor::Empty(x.shape(), DType::kI32, x.device());
  const Tensor soft = Tensor::Empty({x.dim(0), x.dim(1), n, n}, x.dtype(), x.device());
  Dispatch("SoftSort", soft, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::SoftSort(device, problem, x.value().data<T>(), index.data<int32_t>(), soft.data<T>());
  });
  const Variable p = MakeVariable("SoftSort", soft, {x}, [=, scores = x.value()](const Gradients& gradients) {
    Tensor dscores = Tensor::EmptyLike(scores);
    Dispatch("SoftSort", scores, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::SoftSortBackward(device, ProblemOf(scores, num_nodes, options.tau, options.iterations), scores.data<T>(),
                                index.data<int32_t>(), gradients.output().data<T>(), dscores.data<T>());
    });
    gradients.Add(0, dscores);
  });
  return {index, p, options.hard};
}

Permutation Sort(const Tensor& scores, const Tensor& num_nodes) {
  CheckScores(scores, num_nodes);
  const Tensor index = Tensor::Empty(scores.shape(), DType::kI32, scores.device());
  Dispatch("Sort", scores, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::SoftSort<decltype(device), T>(device, ProblemOf(scores, num_nodes, /*tau=*/1, /*iterations=*/1),
                                           scores.data<T>(), index.data<int32_t>(), nullptr);
  });
  return {index, {}, true};
}

Variable PermutationEntropy(const Permutation& permutation, const Tensor& num_nodes) {
  Check(permutation.soft.defined(), "the permutation has no soft part: its entropy is 0");
  const Tensor soft = permutation.soft.value();
  const int64_t batch = soft.dim(0), samples = soft.dim(1), n = soft.dim(2);
  Tensor entropy = Tensor::Empty({}, soft.dtype(), soft.device());
  Dispatch("PermutationEntropy", soft, [&]<class T>(auto device, std::type_identity<T>) {
    kernels::PermutationEntropy(device, batch, samples, n, soft.data<T>(), num_nodes.data_or_null<int32_t>(),
                                entropy.data<T>());
  });
  return MakeVariable("PermutationEntropy", entropy, {permutation.soft}, [=](const Gradients& gradients) {
    Tensor dsoft = Tensor::EmptyLike(soft);
    Dispatch("PermutationEntropy", soft, [&]<class T>(auto device, std::type_identity<T>) {
      kernels::PermutationEntropyBackward(device, batch, samples, n, soft.data<T>(), num_nodes.data_or_null<int32_t>(),
                                          gradients.output().data<T>(), T(0), dsoft.data<T>());
    });
    gradients.Add(0, dsoft);
  });
}

Variable ActInverse(const Permutation& permutation, int order, const Variable& x) {
  return ActBy(permutation, order, x, true);
}
Variable Act(const Permutation& permutation, int order, const Variable& x) {
  return ActBy(permutation, order, x, false);
}

Variable ActOnDiagonal(const Permutation& permutation, const Variable& x) {
  const int64_t batch = permutation.batch(), samples = permutation.samples(), n = permutation.nodes();
  Check(x.rank() == 5 && x.shape() == Shape{batch, samples, n, n, x.dim(-1)}, "a permutation of ",
        ToString(permutation.index.shape()), " acts on features of pairs, got ", x.value().Describe());
  const int64_t channels = x.dim(-1), rows = batch * samples;
  const Shape image = {rows, n, n, channels}, nodes = {batch, samples, n, channels};
  if (!permutation.hard) return Reshape(Diagonal(Reshape(Act(permutation, 2, x), image)), nodes);
  // The action on the diagonal, without a gradient to the permutation, and that gradient alone.
  const Permutation order{permutation.index, {}, true};
  const Variable y = Act(order, 1, Reshape(Diagonal(Reshape(x, image)), nodes));
  return MakeVariable("ActOnDiagonal", y.value(), {y, permutation.soft},
                      [=, x = x.value(), index = permutation.index](const Gradients& gradients) {
                        const Tensor& dy = gradients.output();
                        gradients.Add(0, dy);
                        if (!gradients.Needs(1)) return;
                        Tensor dsoft = Tensor::Empty({batch, samples, n, n}, x.dtype(), x.device());
                        Dispatch("ActOnDiagonal", x, [&]<class T>(auto device, std::type_identity<T>) {
                          kernels::PermuteDiagonalStraightThrough(device, rows, n, channels, index.data<int32_t>(),
                                                                  x.data<T>(), dy.data<T>(), dsoft.data<T>());
                        });
                        gradients.Add(1, dsoft);
                      });
}

Variable EmbedRanks(const Permutation& permutation, const Variable& table) {
  const int64_t batch = permutation.batch(), samples = permutation.samples(), n = permutation.nodes();
  Check(table.rank() == 2 && table.dim(0) == n, "a table of the ranks of ", n, " nodes is [", n, ", channels], got ",
        table.value().Describe());
  if (permutation.hard) return HardAct(permutation, 1, table, false, std::max<int64_t>(1, batch * samples));
  return DenseAct(permutation, 1, BroadcastTo(table, {batch, samples, n, table.dim(1)}), false);
}

Variable ToMatrix(const Permutation& permutation, const Tensor& num_nodes, DType dtype) {
  if (!permutation.hard) return permutation.soft;
  const int64_t n = permutation.nodes();
  std::vector<float> identity(n * n, 0.0f);
  for (int64_t i = 0; i < n; ++i) identity[i * n + i] = 1;
  const Tensor one = Tensor::From(identity, {1, 1, n, n}).To(dtype).To(permutation.index.device());
  const Variable matrix = Act(permutation, 1, BroadcastTo(one, {permutation.batch(), permutation.samples(), n, n}));
  if (!num_nodes.defined()) return matrix;
  return Mul(matrix, NodeMask(num_nodes, n, dtype).To(one.device()).Reshape({permutation.batch(), 1, n, 1}));
}

Tensor Ranks(const Permutation& permutation) {
  const Tensor ranks = Tensor::EmptyLike(permutation.index);
  const int64_t n = permutation.nodes();
  DispatchDevice("Ranks", ranks.device(), [&](auto device) {
    kernels::InvertPermutations(device, n > 0 ? ranks.size() / n : 0, n, permutation.index.data<int32_t>(),
                                ranks.data<int32_t>());
  });
  return ranks;
}

}  // namespace orbit
