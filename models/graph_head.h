// The last layers of every network that embeds whole graphs.
#ifndef ORBIT_MODELS_GRAPH_HEAD_H_
#define ORBIT_MODELS_GRAPH_HEAD_H_

#include <memory>

#include "engine/nn/linear.h"
#include "engine/ops/elementwise.h"

namespace orbit {

enum class Activation : uint8_t { kRelu, kTanh };

inline Variable Activate(Activation activation, const Variable& x) {
  return activation == Activation::kRelu ? Relu(x) : Tanh(x);
}

struct GraphHeadOptions {
  int64_t embedding = 10;
  int64_t outputs = 1;  // of a last layer after the embedding; 0: the embedding is the output
  Activation activation = Activation::kRelu;
  bool activate_embedding = true;
};

// An embedding, `fc1`, and a last layer, `fc2`; the model registers both as its own.
class GraphHead {
 public:
  GraphHead(const GraphHeadOptions& options, int64_t in, Generator& generator)
      : embedding(in, options.embedding, generator), options_(options) {
    if (options.outputs > 0) output = std::make_unique<nn::Linear>(options.embedding, options.outputs, generator);
  }

  Variable operator()(const Variable& x) const {
    Variable y = embedding(x);
    if (options_.activate_embedding) y = Activate(options_.activation, y);
    return output ? (*output)(y) : y;
  }

  nn::Linear embedding;
  std::unique_ptr<nn::Linear> output;

 private:
  GraphHeadOptions options_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_GRAPH_HEAD_H_
