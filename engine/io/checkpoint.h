// Checkpoint: everything a training run needs to continue as if it had never stopped.
//
// A checkpoint is one safetensors file with the tensors "model/NAME" and "optimizer/NAME". The metadata string "state"
// has the rest as JSON, and "checksum" the CRC-32 of everything, by which damaged files are detected. Where the
// optimiser's state is divided among ranks, it is in files of its own beside it (checkpoint_shards.h), which it names.
#ifndef ORBIT_ENGINE_IO_CHECKPOINT_H_
#define ORBIT_ENGINE_IO_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "engine/io/contents.h"
#include "engine/random.h"
#include "engine/tensor_map.h"

namespace orbit::io {

// The files of an optimiser's state that is divided among ranks, one a rank: SET-RANK-of-WORLD.safetensors.
struct Shards {
  std::string set;    // "last.optimizer-JOB-STEP"; no other checkpoint has the same
  int64_t world = 1;  // how many there are
};

struct Checkpoint {
  TensorMap model;                              // Module::StateDict()
  TensorMap optimizer;                          // Optimizer::State(); not in the file where there are shards
  std::optional<Shards> shards;                 // of the optimiser's state, if it is divided
  int64_t step = 0;                             // completed steps; also the position of the learning-rate schedule
  int64_t epoch = 0;                            // completed epochs
  std::optional<double> best_validation;        // finite
  std::map<std::string, Generator> generators;  // by purpose
  std::map<std::string, std::string> notes;     // anything else: the config, the position within an epoch ...
};

// Replaces the file atomically: if the process is killed at any moment, or the disk is full (Error), the previous file
// remains. Only for paths with one writer at a time, because it removes partial files of killed writers.
void SaveCheckpoint(const std::string& path, const Checkpoint& checkpoint);

// Throws Error with the file and the reason if it is missing, damaged or not a checkpoint.
Checkpoint LoadCheckpoint(const std::string& path, const FileReader& read = nullptr);
// The shards that the checkpoint names, if it has some; without a look at the rest of it. Throws as LoadCheckpoint.
std::optional<Shards> ShardsOf(const std::string& path);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKPOINT_H_
