// Fine-tuning: a graph network whose transformer begins with weights that were trained on images, and learns more
// slowly than what is new.
#ifndef ORBIT_TOOLS_EXPERIMENTS_FINE_TUNING_H_
#define ORBIT_TOOLS_EXPERIMENTS_FINE_TUNING_H_

#include <string>

#include "groups/model.h"
#include "tools/experiments/config.h"

namespace orbit {

class FineTuning {
 public:
  // The keys model.weights, train.pretrained_learning_rate and train.layer_decay.
  static void AddKeys(ConfigSchema& schema);

  // Throws Error for keys that make no sense together.
  explicit FineTuning(const Config& config);

  // Loads the weights into the transformer of a model of MakeGraphImageModel, and returns what was loaded, for people;
  // "" where there are none. Throws Error as ReadWeights and LoadVisionTransformer.
  std::string LoadPretrained(const Model& model) const;

  // A parameter's factor on train.learning_rate, by its name in a model whose transformer has `layers` blocks. Below
  // the last of them it falls by the layer decay from each block to the one before (Clark et al., ELECTRA, ICLR 2020,
  // as in timm): with d for the decay it is d^(layers - i) for block i = 0, 1, ..., and d^(layers + 1) for class token
  // and positions.
  double RateFactor(const std::string& parameter, int64_t layers) const;

 private:
  std::string weights_;
  double pretrained_factor_, layer_decay_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_FINE_TUNING_H_
