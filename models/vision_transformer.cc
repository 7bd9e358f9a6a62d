#include "models/vision_transformer.h"

#include <algorithm>
#include <iterator>

#include "engine/nn/checkpoint.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/shape.h"
#include "groups/ops/permutation.h"

namespace orbit {
namespace {

constexpr double kEps = 1e-6;        // of LayerNorm
constexpr double kDeviation = 0.02;  // of initial weights and positions

struct Size {
  const char* name;
  int64_t width, layers, heads;
};
constexpr Size kSizes[] = {{"tiny", 192, 12, 3}, {"small", 384, 12, 6}, {"base", 768, 12, 12}, {"large", 1024, 24, 16}};
constexpr int64_t kPatches[] = {8, 16, 32}, kImages[] = {224, 384};

// Removes the prefix from `text`, if it is there.
bool Take(std::string& text, const std::string& prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

// Weights are N(0, 0.02) and biases 0.
void InitializeBlock(const nn::Module& block, Generator& generator) {
  for (const auto& [name, variable] : block.NamedParameters()) {
    if (name.starts_with("norm")) continue;
    variable.set_value(variable.rank() == 2 ? generator.Normal(variable.shape(), 0, kDeviation)
                                            : Tensor::Zeros(variable.shape()));
  }
}

}  // namespace

VisionTransformerOptions ParseVisionTransformer(const std::string& name) {
  std::string rest = name.substr(0, name.find('.'));
  VisionTransformerOptions options;
  bool known = Take(rest, "vit_");
  const auto size =
      std::find_if(std::begin(kSizes), std::end(kSizes), [&](const Size& s) { return Take(rest, s.name); });
  known = known && size != std::end(kSizes) && Take(rest, "_patch");
  int64_t patch = 0, image = 0;
  for (const int64_t p : kPatches)
    if (patch == 0 && Take(rest, std::to_string(p) + "_")) patch = p;
  for (const int64_t i : kImages)
    if (rest == std::to_string(i)) image = i;
  Check(known && patch != 0 && image != 0, "unknown vision transformer '", name,
        "'; known: vit_{tiny,small,base,large}_patch{8,16,32}_{224,384}");
  options.width = size->width;
  options.layers = size->layers;
  options.heads = size->heads;
  options.hidden = 4 * size->width;
  options.grid = image / patch;
  return options;
}

VisionTransformer::VisionTransformer(const VisionTransformerOptions& options, Generator& generator)
    : options_(options),
      cls_token_(AddParameter("cls_token", generator.Normal({1, 1, options.width}, 0, 1e-6))),
      pos_embed_(AddParameter("pos_embed",
                              generator.Normal({1, 1 + options.grid * options.grid, options.width}, 0, kDeviation))),
      norm_(options.width, kEps) {
  Check(options.width >= 1 && options.layers >= 1 && options.hidden >= 1 && options.grid >= 1,
        "a vision transformer of ", options.layers, " layers of width ", options.width, " with ", options.hidden,
        " hidden on ", options.grid, " x ", options.grid, " patches");
  Check(options.patch_dropout >= 0 && options.patch_dropout < 1, "patch dropout of ", options.patch_dropout,
        ": it must be in [0, 1)");
  for (int64_t i = 0; i < options.layers; ++i)
    InitializeBlock(blocks_.Add(options.width, options.heads, options.hidden, generator, /*dropout=*/0, kEps,
                                nn::TransformerNames::kTimm),
                    generator);
  AddModule("blocks", blocks_);
  AddModule("norm", norm_);
}

Variable VisionTransformer::DropPatches(const Variable& patches, Generator& generator) const {
  const int64_t rows = patches.dim(0), count = patches.dim(1);
  double share = options_.patch_dropout;
  if (options_.patch_dropout_drawn) share = generator.UniformShared({1}, 0, share).Item();
  const auto kept = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(count) * (1 - share)));
  if (kept == count) return patches;
  // The patches come in a random order, of which the first ones are kept.
  const Tensor scores = generator.Uniform({rows, count}, 0, 1, DType::kF32, patches.device());
  const Permutation order = Sort(scores.Reshape({rows, 1, count}), {});
  return Slice(Reshape(ActInverse(order, 1, FromBF16(patches)), {rows, count, -1}), 1, 0, kept);
}

Variable VisionTransformer::operator()(const Variable& patches, Generator& generator) const {
  const int64_t count = options_.grid * options_.grid, width = options_.width;
  Check(patches.rank() == 3 && patches.dim(1) == count && patches.dim(2) == width,
        "the vision transformer takes patches [rows, ", count, ", ", width, "], got ", patches.value().Describe());
  Variable x = Add(patches, Slice(pos_embed_, 1, 1, 1 + count));
  if (training() && options_.patch_dropout > 0) x = DropPatches(x, generator);
  const Variable first = Add(cls_token_, Slice(pos_embed_, 1, 0, 1));
  x = Concat({BroadcastTo(first, {x.dim(0), 1, width}), x}, 1);
  for (size_t i = 0; i < blocks_.size(); ++i)
    x = options_.checkpoint ? nn::Checkpoint(blocks_[i], x, generator) : blocks_[i](x);
  return norm_(x);
}

}  // namespace orbit
