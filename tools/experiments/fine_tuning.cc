#include "tools/experiments/fine_tuning.h"

#include <cmath>

#include "data/io/weights.h"
#include "models/graph_image_model.h"
#include "models/vision_transformer_weights.h"
#include "tools/common/path.h"

namespace orbit {

void FineTuning::AddKeys(ConfigSchema& schema) {
  schema.String("model.weights", "",
                "a file of a vision transformer's weights under timm's names (.safetensors, .bin, .pth) to begin with; "
                "empty: from scratch");
  schema.Double("train.pretrained_learning_rate", 0,
                "the transformer's largest learning rate; 0: train.learning_rate, as what is new", {.min = 0});
  schema.Double("train.layer_decay", 1, "factor on the learning rate from a block of the transformer to the one before",
                {.min = 0, .max = 1});
}

FineTuning::FineTuning(const Config& config)
    : weights_(config.String("model.weights")),
      pretrained_factor_(1),
      layer_decay_(config.Double("train.layer_decay")) {
  const double rate = config.Double("train.learning_rate"),
               pretrained = config.Double("train.pretrained_learning_rate");
  if (pretrained == 0) return;
  Check(rate > 0, "train.pretrained_learning_rate is ", pretrained, ", and train.learning_rate ", rate);
  pretrained_factor_ = pretrained / rate;
}

std::string FineTuning::LoadPretrained(const Model& model) const {
  if (weights_.empty()) return "";
  const std::string path = UserPath(weights_);
  const TensorMap transformer = TransformerState(model);
  return path + ": " + LoadVisionTransformer(ReadWeights(path, transformer), transformer).Describe();
}

double FineTuning::RateFactor(const std::string& parameter, int64_t layers) const {
  const std::string prefix = kTransformerPrefix, block = prefix + "blocks.";
  if (!parameter.starts_with(prefix)) return 1;
  int64_t layer = 0;  // of class token and positions
  if (parameter.starts_with(prefix + "norm.")) layer = layers + 1;
  if (parameter.starts_with(block)) layer = 1 + std::stoll(parameter.substr(block.size()));
  return pretrained_factor_ * std::pow(layer_decay_, static_cast<double>(layers + 1 - layer));
}

}  // namespace orbit
