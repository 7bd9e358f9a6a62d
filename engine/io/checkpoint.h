// Checkpoint: all that a training run needs to go on as if it had never stopped.
//
// One safetensors file: the tensors "model/NAME" and "optimizer/NAME", the rest as JSON in the metadata string "state",
// and in "checksum" the CRC-32 of it all, so that a damaged file is told from a good one.
#ifndef ORBIT_ENGINE_IO_CHECKPOINT_H_
#define ORBIT_ENGINE_IO_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engine/random.h"
#include "engine/tensor_map.h"

namespace orbit::io {

struct Checkpoint {
  TensorMap model;                              // Module::StateDict()
  TensorMap optimizer;                          // Optimizer::State()
  int64_t step = 0;                             // steps done; also the position of the learning-rate schedule
  int64_t epoch = 0;                            // epochs done
  std::optional<double> best_validation;        // finite
  std::map<std::string, Generator> generators;  // by what they are for
  std::map<std::string, std::string> notes;     // anything else: the config, the position within an epoch ...
};

// Replaces the file at once: a process killed at any moment, or a full disk (Error), leaves the one before. For one
// writer of a path at a time: partial files of killed predecessors are removed.
void SaveCheckpoint(const std::string& path, const Checkpoint& checkpoint);

// Throws Error with the file and the reason where it is missing, damaged, or no checkpoint.
Checkpoint LoadCheckpoint(const std::string& path);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKPOINT_H_
