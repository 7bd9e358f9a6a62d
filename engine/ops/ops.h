// Includes all operations on variables, which record their gradients.
#ifndef ORBIT_ENGINE_OPS_OPS_H_
#define ORBIT_ENGINE_OPS_OPS_H_

#include "engine/ops/attention.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/batch_statistics.h"
#include "engine/ops/cast.h"
#include "engine/ops/diagonal.h"
#include "engine/ops/dropout.h"
#include "engine/ops/edge_mlp.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/graph_attention.h"
#include "engine/ops/indexing.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/normalization.h"
#include "engine/ops/pad.h"
#include "engine/ops/reduce.h"
#include "engine/ops/shape.h"
#include "engine/ops/softmax.h"
#include "engine/ops/transformer_layer.h"
#include "engine/ops/vector_neurons.h"

#endif  // ORBIT_ENGINE_OPS_OPS_H_
