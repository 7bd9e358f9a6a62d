#include "tools/experiments/graph_image_experiment.h"

#include <algorithm>

namespace orbit {
namespace {

// Tokens, and numbers of outputs and of what they are made from, of graphs times samples that go through the model at
// once in evaluation.
constexpr int64_t kTokensAtOnce = 16384, kOutputsAtOnce = 10'000'000;

GraphImageModelOptions OptionsOf(const Config& config, const GraphImageOptions& task, bool diagonal) {
  GraphImageModelOptions options;
  VisionTransformerOptions& transformer = options.transformer;
  transformer = ParseVisionTransformer(config.String("model.backbone"));
  const auto replace = [&](const char* key, int64_t& value) {
    if (config.Int(key) > 0) value = config.Int(key);
  };
  replace("model.transformer.layers", transformer.layers);
  replace("model.transformer.heads", transformer.heads);
  replace("model.transformer.grid", transformer.grid);
  if (config.Int("model.transformer.width") > 0) {
    transformer.width = config.Int("model.transformer.width");
    transformer.hidden = 4 * transformer.width;
  }
  replace("model.transformer.hidden", transformer.hidden);
  transformer.patch_dropout = config.Double("model.patch_dropout");
  transformer.patch_dropout_drawn = config.Bool("model.patch_dropout_drawn");
  transformer.checkpoint = config.Bool("train.checkpoint");
  options.image = task;
  options.image.grid = transformer.grid;
  options.image.padding = ParsePadMode(config.String("model.padding"));
  options.image.centered = config.Bool("model.centered");
  try {
    CheckPadding(options.image);
  } catch (const Error& error) {
    Fail("model.padding: ", error.what(),
         "; zero and replicate go any distance, a smaller model.transformer.grid is less");
  }
  options.diagonal = diagonal;
  options.distribution = config.String("model.distribution");
  options.network = {.hidden = config.Int("model.network.hidden"),
                     .layers = config.Int("model.network.layers"),
                     .dropout = config.Double("model.network.dropout")};
  options.noise_scale = config.Double("model.noise_scale");
  options.soft_sort.tau = config.Double("model.tau");
  return options;
}

}  // namespace

void AddGraphImageKeys(ConfigSchema& schema) {
  schema.String("model.backbone", "vit_base_patch16_224",
                "the vision transformer's size, by timm's name: tiny, small, base or large, patches of 8, 16 or 32");
  schema.Int("model.transformer.layers", 0, "0: as the backbone has", {.min = 0, .max = 1000});
  schema.Int("model.transformer.width", 0, "0: as the backbone has", {.min = 0, .max = 65536});
  schema.Int("model.transformer.heads", 0, "0: as the backbone has", {.min = 0, .max = 1024});
  schema.Int("model.transformer.hidden", 0, "of the feed-forward parts; 0: as the backbone has, or 4 times the width",
             {.min = 0, .max = 1 << 20});
  schema.Int("model.transformer.grid", 0, "patches on a side of a graph's image; 0: as the backbone has",
             {.min = 0, .max = 1024});
  schema.String("model.padding", "zero", "what patches see beyond the graph's image",
                {"zero", "reflect", "replicate", "circular"});
  schema.Bool("model.centered", false, "pad before the first node too, not only after the last");
  schema.Double("model.patch_dropout", 0, "share of the patches left out in training, where outputs are of graphs",
                {.min = 0, .max = 0.999});
  schema.Bool("model.patch_dropout_drawn", false, "draw that share for every batch, up to model.patch_dropout");
  schema.String("model.distribution", "learned", "of the permutations",
                {"learned", "haar", "frame", "minimal_frame", "canonical"});
  schema.Double("model.noise_scale", 1, "the equivariant network's noise is uniform up to it", {.min = 0});
  schema.Double("model.tau", 0.01, "temperature of the soft permutations", {.min = 1e-6});
  schema.Int("model.network.hidden", 64, "width of the equivariant network", {.min = 1, .max = 65536});
  schema.Int("model.network.layers", 3, "of the equivariant network", {.min = 1, .max = 100});
  schema.Double("model.network.dropout", 0.1, "of the equivariant network", {.min = 0, .max = 0.999});
  FineTuning::AddKeys(schema);
  schema.Bool("train.checkpoint", false,
              "compute the transformer's layers again in the backward: the same bits for less memory");
}

GraphImageExperiment::GraphImageExperiment(const Config& config, Device device, const GraphImageOptions& task,
                                           bool diagonal, Generator& generator)
    : GraphImageExperiment(OptionsOf(config, task, diagonal), config, device, generator) {}

GraphImageExperiment::GraphImageExperiment(const GraphImageModelOptions& options, const Config& config, Device device,
                                           Generator& generator)
    : Experiment(MakeGraphImageModel(options, generator), config, device), options_(options), fine_tuning_(config) {}

std::vector<int64_t> GraphImageExperiment::NumbersOf(Split split, const Tensor& examples) const {
  std::vector<int64_t> all = examples.ToVector<int64_t>();
  for (int64_t& number : all) number = numbers(split).at(number);
  return all;
}

int64_t GraphImageExperiment::rows_at_once() const {
  const GraphImageOptions& image = options_.image;
  int64_t outputs = image.outputs;
  for (int order = 0; order < image.output_order; ++order) outputs *= image.n;
  const int64_t tokens = 1 + image.grid * image.grid;
  return std::max<int64_t>(1, std::min(kTokensAtOnce / tokens, kOutputsAtOnce / outputs));
}

std::string DescribeSizes(const Experiment& experiment) {
  std::string sizes;
  for (const Split split : kSplits)
    if (experiment.size(split) > 0)
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(experiment.size(split)) + " to " + NameOf(split);
  return sizes;
}

}  // namespace orbit
