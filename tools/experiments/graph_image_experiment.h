// What experiments with vision transformers on graphs have in common (Kim et al. 2023, sections 3.3 and 3.4).
#ifndef ORBIT_TOOLS_EXPERIMENTS_GRAPH_IMAGE_EXPERIMENT_H_
#define ORBIT_TOOLS_EXPERIMENTS_GRAPH_IMAGE_EXPERIMENT_H_

#include <string>
#include <vector>

#include "models/graph_image_model.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/fine_tuning.h"

namespace orbit {

// The keys model.* of models of images of graphs (models/graph_image_model.h), those of FineTuning, and
// train.checkpoint.
void AddGraphImageKeys(ConfigSchema& schema);

// An experiment lacks its data, which are graphs divided into splits, its loss and metrics.
class GraphImageExperiment : public Experiment {
 public:
  // The config chooses the transformer, its padding and the distribution. `task` has what the data decide: nodes,
  // channels, and the order and number of outputs; `diagonal` as in GraphImageModelOptions.
  GraphImageExperiment(const Config& config, Device device, const GraphImageOptions& task, bool diagonal,
                       Generator& generator);

  int64_t size(Split split) const override { return static_cast<int64_t>(numbers(split).size()); }
  Variable Prediction(const Variable& output) const override { return output; }
  int64_t rows_at_once() const override;
  std::string LoadPretrained() override { return fine_tuning_.LoadPretrained(model()); }
  double RateFactor(const std::string& parameter) const override {
    return fine_tuning_.RateFactor(parameter, options_.transformer.layers);
  }

 protected:
  const GraphImageModelOptions& options() const { return options_; }
  int64_t n() const { return options_.image.n; }

  // The numbers in the data of a split's graphs, and of some of its examples.
  virtual const std::vector<int64_t>& numbers(Split split) const = 0;
  std::vector<int64_t> NumbersOf(Split split, const Tensor& examples) const;

 private:
  GraphImageExperiment(const GraphImageModelOptions& options, const Config& config, Device device,
                       Generator& generator);

  GraphImageModelOptions options_;
  FineTuning fine_tuning_;
};

// "10000 to train, 2000 to valid, 2000 to test"
std::string DescribeSizes(const Experiment& experiment);

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_GRAPH_IMAGE_EXPERIMENT_H_
