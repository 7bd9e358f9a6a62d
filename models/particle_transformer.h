// The transformer on pairs of particles: a base function without any symmetry (Kim et al. 2023, section 3.2).
#ifndef ORBIT_MODELS_PARTICLE_TRANSFORMER_H_
#define ORBIT_MODELS_PARTICLE_TRANSFORMER_H_

#include <memory>

#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/module.h"
#include "engine/nn/transformer_encoder_layer.h"
#include "engine/random.h"
#include "groups/base_function.h"

namespace orbit {

struct ParticleTransformerOptions {
  int64_t nodes = 5;  // particles; positional embeddings are learned for nodes^2 tokens
  int64_t node_channels = 6;
  int64_t edge_channels = 2;
  int64_t layers = 8;
  int64_t width = 64;
  int64_t heads = 4;
  int64_t out_channels = 3;
  bool checkpoint = false;  // whether the backward computes the layers again, for less memory
};

// One token for every ordered pair of particles; those of a particle with itself carry its features and are read out.
class ParticleTransformer : public BaseFunction {
 public:
  ParticleTransformer(const ParticleTransformerOptions& options, Generator& generator);

  // Uses feature 0, particles [rows, n, 3, channels], and feature 1, pairs [rows, n, n, edge_channels]. Returns
  // [rows, n, out_channels, 1].
  Variable Forward(const View& x, Generator& generator) const override;

 private:
  ParticleTransformerOptions options_;
  nn::Linear input_;
  Variable positions_;  // [nodes^2, 1, width]
  nn::ModuleList<nn::TransformerEncoderLayer> layers_;
  nn::LayerNorm norm_;
  nn::Linear output1_, output2_;
};

}  // namespace orbit

#endif  // ORBIT_MODELS_PARTICLE_TRANSFORMER_H_
