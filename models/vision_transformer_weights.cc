#include "models/vision_transformer_weights.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace orbit {
namespace {

constexpr std::string_view kIgnored[] = {"patch_embed.", "head.", "head_dist.", "pre_logits.", "fc_norm."};

// What gives away an architecture that is not ours, by a part of a name.
constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
    {"relative_position", "a BEiT, whose positions are relative"},
    {".q_bias", "a BEiT, whose keys have no bias"},
    {".gamma_1", "a BEiT or a CaiT, with layer scale"},
    {".ls1.", "a transformer with layer scale (DeiT III, DINOv2)"},
    {"reg_token", "a transformer with register tokens"},
    {".attn.q_norm.", "a transformer that normalises its queries"},
    {"norm_pre.", "a transformer that normalises its tokens first (CLIP)"},
    {"layers.0.blocks.", "a Swin transformer, of several resolutions"},
    {"encoder.layer.0.", "a transformer of Hugging Face's; timm has most of them under its own names"},
};

bool IsIgnored(const std::string& name) {
  return std::any_of(std::begin(kIgnored), std::end(kIgnored), [&](auto prefix) { return name.starts_with(prefix); });
}

// The side of a square grid of this many positions; throws Error.
int64_t GridOf(int64_t positions) {
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(std::max<int64_t>(0, positions)))));
  Check(positions >= 1 && grid * grid == positions, "positions of ", positions, " patches, which are no square grid");
  return grid;
}

// Cubic convolution with a = -0.5.
double Cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * kA : 0;
}

// The matrix [to, from] that interpolates an axis.
std::vector<double> Interpolation(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to), wide = std::max(scale, 1.0);
  std::vector<double> matrix(to * from, 0.0);
  for (int64_t i = 0; i < to; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(centre - 2 * wide + 0.5)),
               last = std::min<int64_t>(from, static_cast<int64_t>(centre + 2 * wide + 0.5));
    double sum = 0;
    for (int64_t j = first; j < last; ++j)
      sum += matrix[i * from + j] = Cubic((static_cast<double>(j) - centre + 0.5) / wide);
    for (int64_t j = first; j < last; ++j) matrix[i * from + j] /= sum;
  }
  return matrix;
}

// Takes a DeiT's distillation token from the weights, and its position, which is the second.
void RemoveDistillationToken(TensorMap& weights, std::vector<std::string>& ignored) {
  if (weights.erase("dist_token") == 0) return;
  ignored.emplace_back("dist_token");
  const auto found = weights.find("pos_embed");
  if (found == weights.end() || found->second.rank() != 3 || found->second.dim(1) < 2) return;
  const Tensor& positions = found->second;
  const int64_t count = positions.dim(1), width = positions.dim(2);
  const Tensor rows = positions.Reshape({count, width}), kept = Tensor::Empty({count - 1, width}, positions.dtype());
  kept.Rows(0, 1).CopyFrom(rows.Rows(0, 1));
  kept.Rows(1, count - 1).CopyFrom(rows.Rows(2, count));
  found->second = kept.Reshape({1, count - 1, width});
}

}  // namespace

std::string LoadedVisionTransformer::Describe() const {
  std::string said = std::to_string(tensors) + " tensors loaded";
  if (loaded_grid != grid)
    said += ", positions interpolated from " + std::to_string(loaded_grid) + " x " + std::to_string(loaded_grid) +
            " to " + std::to_string(grid) + " x " + std::to_string(grid);
  for (size_t i = 0; i < ignored.size(); ++i) said += (i == 0 ? "; ignored: " : ", ") + ignored[i];
  return said;
}

Tensor ResamplePositions(const Tensor& positions, int64_t prefix, int64_t grid) {
  Check(positions.rank() == 3 && positions.dim(0) == 1 && IsFloating(positions.dtype()) && grid >= 1, "positions ",
        positions.Describe(), " for ", grid, " x ", grid, " patches");
  const int64_t from = GridOf(positions.dim(1) - prefix), width = positions.dim(2);
  const std::vector<double> matrix = Interpolation(from, grid), given = positions.ToVector<double>();
  const auto row = [&](const std::vector<double>& rows, int64_t i) { return rows.begin() + i * width; };
  // The columns of every row of the old grid, then the rows.
  std::vector<double> columns(from * grid * width, 0.0), result(given.begin(), row(given, prefix));
  for (int64_t y = 0; y < from; ++y)
    for (int64_t i = 0; i < grid; ++i)
      for (int64_t x = 0; x < from; ++x)
        for (int64_t c = 0; c < width; ++c)
          columns[(y * grid + i) * width + c] += matrix[i * from + x] * row(given, prefix + y * from + x)[c];
  result.resize((prefix + grid * grid) * width, 0.0);
  for (int64_t i = 0; i < grid; ++i)
    for (int64_t y = 0; y < from; ++y)
      for (int64_t j = 0; j < grid * width; ++j)
        result[(prefix + i * grid) * width + j] += matrix[i * from + y] * columns[y * grid * width + j];
  return Tensor::From(result, {1, prefix + grid * grid, width})
      .To(positions.dtype() == DType::kF64 ? DType::kF64 : DType::kF32);
}

LoadedVisionTransformer LoadVisionTransformer(const TensorMap& weights, const TensorMap& transformer) {
  for (const auto& [name, tensor] : weights)
    for (const auto& [part, architecture] : kOthers)
      Check(name.find(part) == std::string::npos, "the weights are those of ", std::string(architecture), " ('", name,
            "'), and cannot be loaded");
  LoadedVisionTransformer loaded;
  TensorMap rest;
  for (const auto& [name, tensor] : weights) {
    if (IsIgnored(name))
      loaded.ignored.push_back(name);
    else
      rest.emplace(name, tensor);
  }
  RemoveDistillationToken(rest, loaded.ignored);
  const Tensor& positions = transformer.at("pos_embed");
  loaded.grid = loaded.loaded_grid = GridOf(positions.dim(1) - 1);
  const auto found = rest.find("pos_embed");
  // Positions of another width do not fit, which is said with all else that does not.
  if (found != rest.end() && found->second.rank() == 3 && found->second.dim(-1) == positions.dim(-1) &&
      found->second.shape() != positions.shape()) {
    loaded.loaded_grid = GridOf(found->second.dim(1) - 1);
    found->second = ResamplePositions(found->second, 1, loaded.grid);
  }
  CopyTensors("the vision transformer's weights", rest, transformer);
  loaded.tensors = static_cast<int64_t>(transformer.size());
  return loaded;
}

}  // namespace orbit
