// CheckpointWriter: writes checkpoints beside the training that they are of, and does not end it where it cannot.
//
// Of a checkpoint with shards (checkpoint_shards.h) every rank's writer writes the rank's own; rank 0's then waits for
// those of the others, and commits the checkpoint only when it sees them. They need to see one directory for that, but
// do not use the communicator. Before the ranks give their writers the checkpoints of a step, they wait until all of
// them have written those of before, or tried: else a slow one could skip the very step that another one waits for.
#ifndef ORBIT_ENGINE_IO_CHECKPOINT_WRITER_H_
#define ORBIT_ENGINE_IO_CHECKPOINT_WRITER_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/io/checkpoint.h"

namespace orbit::io {

struct CheckpointWriterOptions {
  bool beside = true;  // on a thread of its own; if not, Write() returns when it is done
  std::chrono::duration<double> between_tries = std::chrono::seconds(30);
  int64_t rank = 0;  // of this process; others than 0 write shards alone
  // How long rank 0 waits for the shards of other ranks before the try counts as failed.
  std::chrono::duration<double> patience = std::chrono::seconds(60);
  // The same in Finish(), when the others have written theirs but a network file system may show them late, and in the
  // destructor, when the others may still be writing theirs: shorter than a launcher lets ranks end after one failed.
  std::chrono::duration<double> last_patience = std::chrono::seconds(5);
};

class CheckpointWriter {
 public:
  // `warn` is told of every try that failed, on any thread.
  CheckpointWriter(std::function<void(const std::string&)> warn, CheckpointWriterOptions options = {});
  // Writes what was not tried yet. What fails now is lost.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Copies the tensors to the host and has SaveCheckpoint replace the file soon. Where that fails, for instance because
  // the disk is full, the previous file stays, and the checkpoint is kept and tried again until it succeeds or a newer
  // one of the same path comes.
  void Write(const std::string& path, Checkpoint checkpoint);
  // Whether everything has been written, or tried.
  bool idle();
  // Waits until everything has been written, or tried. Rank 0 is to call this, and Finish, once the other ranks have
  // returned from it: their shards should be there then, and it waits for others for a second at most.
  void Await();
  // The same with last_patience in place of a second; then tries once more what failed. Throws Error if that fails
  // again.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    std::shared_ptr<const Checkpoint> checkpoint;
    std::string error;        // of the last try; empty: not tried yet
    Clock::time_point again;  // when it is tried next, if there was an error
  };

  // Tries to write what is due. The lock is released meanwhile.
  void WriteDue(std::unique_lock<std::mutex>& lock);
  // Writes what this rank has to write of a checkpoint.
  void Save(const std::string& path, const Checkpoint& checkpoint);
  // Throws Error if the shards are not there in time.
  void AwaitShards(const std::string& path, const Shards& shards);
  bool HasUntried() const;
  void Work();

  const std::function<void(const std::string&)> warn_;
  const CheckpointWriterOptions options_;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::map<std::string, Pending> pending_;  // by path
  bool writing_ = false;
  // How often rank 0 looks for missing shards yet, for all paths together, where they should be there: in Await(),
  // Finish() and the destructor.
  std::optional<int64_t> looks_;
  bool stopped_ = false;
  std::thread worker_;
};

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKPOINT_WRITER_H_
