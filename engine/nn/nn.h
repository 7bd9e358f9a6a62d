// Includes all layers, which own parameters.
#ifndef ORBIT_ENGINE_NN_NN_H_
#define ORBIT_ENGINE_NN_NN_H_

#include "engine/nn/batch_norm.h"
#include "engine/nn/checkpoint.h"
#include "engine/nn/init.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/module.h"
#include "engine/nn/transformer_encoder_layer.h"

#endif  // ORBIT_ENGINE_NN_NN_H_
