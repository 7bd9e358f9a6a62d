#include "tools/benchmarks/operations.h"

#include <memory>

#include "engine/ops/batch_norm.h"
#include "engine/ops/cast.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/dropout.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/indexing.h"
#include "engine/ops/loss.h"
#include "engine/ops/normalization.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/optim/adam.h"

namespace orbit {
namespace {

constexpr double f = sizeof(float);

}  // namespace

std::vector<Benchmark> AroundLayers() {
  return {
      {"layer_norm_50000x64", "forward and backward", 5 * 50000 * 64.0 * f, 0,
       [] {
         const Variable x = Parameter({50000, 64}), weight = Parameter({64}), bias = Parameter({64});
         return BothWays({x, weight, bias}, [=] { return LayerNorm(x, weight, bias); });
       }},
      {"batch_norm_65000x64", "with ReLU, in training, forward and backward", 10 * 65000 * 64.0 * f, 0,
       [] {
         const Variable x = Parameter({65000, 64}), weight = Parameter({64}), bias = Parameter({64});
         const RunningStatistics running = {Normal({64}), Tensor::Full({64}, 1, DType::kF32, TheDevice())};
         return BothWays({x, weight, bias}, [=] { return BatchNorm(x, weight, bias, running, true, true); });
       }},
      {"gelu_3200000", "forward and backward", 5 * 3.2e6 * f, 0,
       [] {
         const Variable x = Parameter({3200000});
         return BothWays({x}, [=] { return Gelu(x); });
       }},
      {"dropout_3200000", "forward and backward", 4 * 3.2e6 * f, 0,
       [] {
         const Variable x = Parameter({3200000});
         return BothWays({x}, [=, generator = std::make_shared<Generator>(0)] { return Dropout(x, 0.1, *generator); });
       }},
      {"mse_loss_3200000", "forward and backward", 5 * 3.2e6 * f, 0,
       [] {
         const Variable x = Parameter({3200000});
         return BothWays({x}, [=, target = Normal({3200000})] { return MseLoss(x, target); });
       }},
      {"bce_loss_3200000", "binary cross entropy, forward and backward", 5 * 3.2e6 * f, 0,
       [] {
         const Variable x = Parameter({3200000});
         return BothWays({x}, [=, target = Sigmoid(Normal({3200000}))] { return BceWithLogitsLoss(x, target); });
       }},
      {"adam_19000000", "a step on as many parameters", 7 * 1.9e7 * f, 0,
       [] {
         const Variable parameter = Parameter({19000000});
         parameter.set_grad(Normal({19000000}));
         auto optimizer = std::make_shared<optim::Adam>(std::vector<NamedVariable>{{"parameter", parameter}});
         return BenchmarkWork([optimizer] { optimizer->Step(1e-3); });
       }},
      {"gradient_norm_19000000", "the squared norm of as many gradients", 1.9e7 * f, 0,
       [] {
         const Variable parameter = Parameter({19000000});
         parameter.set_grad(Normal({19000000}));
         return BenchmarkWork([parameters = std::vector<NamedVariable>{{"parameter", parameter}}] {
           optim::SquaredGradientNorm(parameters);
         });
       }},
  };
}

std::vector<Benchmark> OfElementsAndAxes() {
  return {
      {"broadcast_50000x64", "a row added to each of 50,000, forward and backward", 3 * 50000 * 64.0 * f, 0,
       [] {
         const Variable x = Parameter({50000, 64}), row = Parameter({64});
         return BothWays({x, row}, [=] { return Add(x, row); });
       }},
      {"multiply_3200000", "forward and backward", 7 * 3.2e6 * f, 0,
       [] {
         const Variable a = Parameter({3200000}), b = Parameter({3200000});
         return BothWays({a, b}, [=] { return Mul(a, b); });
       }},
      {"convert_3200000", "f32 to f64", 3 * 3.2e6 * f, 0,
       [] { return Forward([x = Normal({3200000})] { return Cast(x, DType::kF64); }); }},
      {"sum_rows_50000x188", "forward", 50000 * 189.0 * f, 0,
       [] {
         return Forward([x = Normal({50000, 188})] { return Sum(x, {1}); });
       }},
      {"sum_triples_3000000", "forward", 4 * 3e6 * f, 0,
       [] {
         return Forward([x = Normal({3000000, 3})] { return Sum(x, {1}); });
       }},
      {"sum_columns_50000x188", "forward", 50000 * 188.0 * f, 0,
       [] {
         return Forward([x = Normal({50000, 188})] { return Sum(x, {0}); });
       }},
      {"max_rows_50000x188", "forward", 50000 * 190.0 * f, 0,
       [] {
         return Forward([x = Normal({50000, 188})] { return Max(x, 1); });
       }},
      {"max_middle_1000x64x64", "forward and backward", (2 * 1000 * 64 * 64.0 + 4 * 64000) * f, 0,
       [] {
         const Variable x = Parameter({1000, 64, 64});
         return BothWays({x}, [=] { return Max(x, 1); });
       }},
      {"transpose_100x188x188", "two axes exchanged in each of 100, forward", 2 * 100 * 188 * 188.0 * f, 0,
       [] {
         return Forward([x = Normal({100, 188, 188})] { return Permute(x, {0, 2, 1}); });
       }},
      {"transpose_100000x8x9", "the same of small matrices", 2 * 100000 * 72.0 * f, 0,
       [] {
         return Forward([x = Normal({100000, 8, 9})] { return Permute(x, {0, 2, 1}); });
       }},
  };
}

std::vector<Benchmark> OfIndexingAndRandomNumbers() {
  return {
      {"slice_50000x64", "a third of every row, forward", 2 * 50000 * 64.0 * f, 0,
       [] {
         return Forward([x = Normal({50000, 192})] { return Slice(x, 1, 64, 128); });
       }},
      {"diagonal_2000x5x64", "on the diagonal and back, forward and backward", (2000 * 64 * (25 + 3 * 5.0)) * f, 0,
       [] {
         const Variable x = Parameter({2000, 5, 64});
         return BothWays({x}, [=] { return DiagonalEmbed(x); });
       }},
      {"gather_rows_100000x64", "of as many, in any order", 100000 * (2 * 64 * f + 8), 0,
       [] {
         return Forward([x = Normal({100000, 64}), rows = RandomRows(100000, 100000)] { return IndexSelect(x, rows); });
       }},
      {"scatter_rows_100000x64", "added up in as many places, in any order", 100000 * (2 * 64 * f + 8), 0,
       [] {
         return Forward(
             [x = Normal({100000, 64}), rows = RandomRows(100000, 100000)] { return IndexAdd(x, rows, 100000); });
       }},
      {"scatter_to_one_400000x64", "added up in a single place", 400000 * (64 * f + 8), 0,
       [] {
         return Forward([x = Normal({400000, 64}), rows = RandomRows(400000, 1)] { return IndexAdd(x, rows, 1); });
       }},
      {"uniform_10000000", "random numbers", 1e7 * f, 0,
       [] {
         return BenchmarkWork([generator = std::make_shared<Generator>(0)] {
           generator->Uniform({10000000}, 0, 1, DType::kF32, TheDevice());
         });
       }},
      {"normal_10000000", "random numbers", 1e7 * f, 0,
       [] {
         return BenchmarkWork([generator = std::make_shared<Generator>(0)] {
           generator->Normal({10000000}, 0, 1, DType::kF32, TheDevice());
         });
       }},
  };
}

}  // namespace orbit
