// CheckpointWriter: writes checkpoints beside the training that they are of, and does not end it where it cannot.
#ifndef ORBIT_ENGINE_IO_CHECKPOINT_WRITER_H_
#define ORBIT_ENGINE_IO_CHECKPOINT_WRITER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/io/checkpoint.h"

namespace orbit::io {

struct CheckpointWriterOptions {
  bool beside = true;  // on a thread of its own; if not, Write() returns when it is done
  std::chrono::duration<double> between_tries = std::chrono::seconds(30);
};

class CheckpointWriter {
 public:
  // `warn` is told of every try that failed, on any thread.
  CheckpointWriter(std::function<void(const std::string&)> warn, CheckpointWriterOptions options = {});
  // Writes what was not tried yet.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Copies the tensors to the host and has SaveCheckpoint replace the file soon. Where that fails, for instance because
  // the disk is full, the previous file stays, and the checkpoint is kept and tried again until it succeeds or a newer
  // one of the same path comes.
  void Write(const std::string& path, Checkpoint checkpoint);
  // Whether everything has been written, or tried.
  bool idle();
  // Waits until it has; then tries once more what failed. Throws Error if that fails again.
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
  bool HasUntried() const;
  void Work();

  const std::function<void(const std::string&)> warn_;
  const CheckpointWriterOptions options_;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::map<std::string, Pending> pending_;  // by path
  bool writing_ = false;
  bool stopped_ = false;
  std::thread worker_;
};

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_CHECKPOINT_WRITER_H_
