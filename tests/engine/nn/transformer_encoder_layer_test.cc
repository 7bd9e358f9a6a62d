// A transformer encoder layer as a module: dropout, masks and precision.
#include "engine/nn/transformer_encoder_layer.h"

#include <gtest/gtest.h>

#include "engine/autocast.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"

namespace orbit {
namespace {

double Difference(const Variable& a, const Variable& b) {
  const Variable difference = Sub(Cast(a, DType::kF64).value().To(Device{}), Cast(b, DType::kF64).value().To(Device{}));
  return Max(Reshape(Abs(difference), {-1}), 0).value().Item();
}

TEST(TransformerEncoderLayer, DropsInTrainingAlone) {
  Generator generator(1);
  nn::TransformerEncoderLayer layer(8, 2, 12, generator, /*dropout=*/0.5);
  const Variable x = generator.Normal({3, 5, 8}, 0, 1);
  const auto run = [&](uint64_t seed) {
    Generator dropped(seed);
    return layer(x, dropped);
  };
  EXPECT_EQ(Difference(run(1), run(1)), 0);
  EXPECT_GT(Difference(run(1), run(2)), 0.1);
  EXPECT_THROW(layer(x), Error);
  layer.Eval();
  EXPECT_EQ(Difference(run(1), layer(x)), 0);
}

// A padded sequence is the shorter one.
TEST(TransformerEncoderLayer, PaddingChangesNothing) {
  Generator generator(1);
  nn::TransformerEncoderLayer layer(8, 2, 12, generator);
  layer.To(DType::kF64);
  const Variable x = generator.Normal({2, 7, 8}, 0, 1, DType::kF64);
  const Tensor mask = Tensor::From(std::vector<uint8_t>{1, 1, 1, 1, 1, 0, 0}, {7});
  EXPECT_LT(Difference(Slice(layer(x, mask), 1, 0, 5), layer(Slice(x, 1, 0, 5))), 1e-13);
}

// On the host and in layers of many kernels activations are bf16; a layer of one kernel keeps them f32.
TEST(TransformerEncoderLayer, FollowsF32InBF16) {
  for (const int64_t width : {24, 32}) {
    Generator generator(1);
    nn::TransformerEncoderLayer layer(width, 2, 32, generator);
    const Tensor x = generator.Normal({3, 5, width}, 0, 1);
    const auto run = [&](Device device, Precision precision, DType* dtype) {
      layer.To(device);
      const Variable input(x.To(device), true);
      const Autocast scope(precision);
      const Variable y = layer(input);
      *dtype = y.dtype();
      Sum(Square(Cast(y, DType::kF32))).Backward();
      std::vector<Variable> results = {y, input.grad()};
      for (const auto& [name, parameter] : layer.NamedParameters()) results.emplace_back(parameter.grad());
      return results;
    };
    DType dtype;
    const std::vector<Variable> exact = run({}, Precision::kF32, &dtype);
    EXPECT_EQ(dtype, DType::kF32);
    for (const Device device : {Device{}, Device{DeviceType::kSimt}}) {
      const std::vector<Variable> rounded = run(device, Precision::kBf16, &dtype);
      EXPECT_EQ(dtype, device == Device{} || width == 24 ? DType::kBF16 : DType::kF32);
      for (size_t i = 0; i < exact.size(); ++i) {
        const double size = Max(Reshape(Abs(exact[i]), {-1}), 0).value().Item();
        EXPECT_LT(Difference(exact[i], rounded[i]), 0.03 * size) << i << " on " << NameOf(device);
        EXPECT_GT(Difference(exact[i], rounded[i]), 0) << i << " on " << NameOf(device);
      }
    }
  }
}

}  // namespace
}  // namespace orbit
