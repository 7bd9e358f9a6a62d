// The files of an optimiser's state that is divided among ranks, beside the checkpoint that names them.
//
// Every rank writes its shard, a safetensors file with a checksum, and rank 0 replaces the checkpoint only when all are
// there (checkpoint_writer.h). The shards of another step or job have other names, so that those of a checkpoint stay
// as long as it does. Whoever wants only the model need not have them.
#ifndef ORBIT_ENGINE_IO_CHECKPOINT_SHARDS_H_
#define ORBIT_ENGINE_IO_CHECKPOINT_SHARDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/checkpoint.h"
#include "engine/tensor_map.h"

namespace orbit::io {

// The name of a set of shards, such as "last.optimizer-JOB-100" for step 100 of the checkpoint at `path`. `job` tells
// apart the jobs that go on with one run; within a job a step has one state.
std::string NameShards(const std::string& path, const std::string& job, int64_t step);

// Writes checkpoint.optimizer as the shard of `rank`, which checkpoint.shards names, unless it is there. Otherwise as
// SaveCheckpoint.
void SaveShard(const std::string& path, const Checkpoint& checkpoint, int64_t rank);
// The names of the shards that are not there yet.
std::vector<std::string> MissingShards(const std::string& path, const Shards& shards);
// Removes the shards, and partial files of killed writers, that are neither what the checkpoint at `path` names nor, if
// `newest` is given, of its job and of its step or a later one. Where the checkpoint cannot be read, all stay.
void RemoveOtherShards(const std::string& path, const std::optional<Shards>& newest);

// What the ranks had, in their order. Throws Error with the file and the reason if a shard is missing, damaged or of
// another checkpoint.
std::vector<TensorMap> LoadShards(const std::string& path, const Shards& shards, const FileReader& read = nullptr);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKPOINT_SHARDS_H_
