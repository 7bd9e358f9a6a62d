#include "engine/io/checkpoint_writer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/io/checkpoint_shards.h"

namespace orbit::io {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks(50);  // for the shards of other ranks
// The patience in Await(): training stands still meanwhile, in every save if another rank cannot write its shards.
constexpr std::chrono::seconds kPatienceInAwait(1);

int64_t LooksIn(std::chrono::duration<double> patience) { return 1 + static_cast<int64_t>(patience / kBetweenLooks); }

TensorMap CopiesOnHost(const TensorMap& tensors) {
  TensorMap copies;
  for (const auto& [name, tensor] : tensors)
    copies.emplace(name, tensor.device() == Device{} ? tensor.Clone() : tensor.To(Device{}));
  return copies;
}

}  // namespace

CheckpointWriter::CheckpointWriter(std::function<void(const std::string&)> warn, CheckpointWriterOptions options)
    : warn_(std::move(warn)), options_(options) {
  if (options_.beside) worker_ = std::thread([this] { Work(); });
}

CheckpointWriter::~CheckpointWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    looks_ = LooksIn(options_.last_patience);
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void CheckpointWriter::Write(const std::string& path, Checkpoint checkpoint) {
  checkpoint.model = CopiesOnHost(checkpoint.model);
  checkpoint.optimizer = CopiesOnHost(checkpoint.optimizer);
  std::unique_lock lock(mutex_);
  pending_[path] = {.checkpoint = std::make_shared<const Checkpoint>(std::move(checkpoint)), .error = "", .again = {}};
  if (options_.beside)
    changed_.notify_all();
  else
    WriteDue(lock);
}

bool CheckpointWriter::idle() {
  const std::lock_guard lock(mutex_);
  return !HasUntried() && !writing_;
}

void CheckpointWriter::Await() {
  std::unique_lock lock(mutex_);
  looks_ = LooksIn(kPatienceInAwait);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !HasUntried(); });
  looks_.reset();
}

void CheckpointWriter::Finish() {
  std::unique_lock lock(mutex_);
  looks_ = LooksIn(options_.last_patience);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !HasUntried() && !writing_; });
  for (auto& [path, pending] : pending_) pending.error.clear();
  if (options_.beside)
    changed_.notify_all();
  else
    WriteDue(lock);
  changed_.wait(lock, [this] { return !HasUntried() && !writing_; });
  looks_.reset();
  for (const auto& [path, pending] : pending_) Fail(pending.error);
}

bool CheckpointWriter::HasUntried() const {
  return std::ranges::any_of(pending_, [](const auto& entry) { return entry.second.error.empty(); });
}

void CheckpointWriter::WriteDue(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    const auto due = std::ranges::find_if(
        pending_, [](const auto& entry) { return entry.second.error.empty() || entry.second.again <= Clock::now(); });
    if (due == pending_.end()) return;
    const std::string path = due->first;
    const std::shared_ptr<const Checkpoint> checkpoint = due->second.checkpoint;
    writing_ = true;
    lock.unlock();
    std::string error;
    try {
      Save(path, *checkpoint);
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    lock.lock();
    if (!error.empty()) {
      const std::string fate = stopped_ ? " is lost" : " is kept in memory and tried again";
      lock.unlock();
      warn_(error + ". The checkpoint of step " + std::to_string(checkpoint->step) + fate +
            "; a file of before stays as it is");
      lock.lock();
    }
    writing_ = false;
    const auto now = pending_.find(path);
    if (now->second.checkpoint == checkpoint) {  // no newer one has come meanwhile
      if (error.empty())
        pending_.erase(now);
      else
        now->second = {checkpoint, error,
                       Clock::now() + std::chrono::duration_cast<Clock::duration>(options_.between_tries)};
    }
    changed_.notify_all();
  }
}

void CheckpointWriter::Save(const std::string& path, const Checkpoint& checkpoint) {
  if (checkpoint.shards) {
    SaveShard(path, checkpoint, options_.rank);
    if (options_.rank > 0) return;
    RemoveOtherShards(path, checkpoint.shards);  // of a set that did not become whole
    AwaitShards(path, *checkpoint.shards);
  }
  SaveCheckpoint(path, checkpoint);
  RemoveOtherShards(path, checkpoint.shards);
}

void CheckpointWriter::AwaitShards(const std::string& path, const Shards& shards) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(options_.patience);
  for (;;) {
    std::unique_lock lock(mutex_);
    const bool counted = looks_.has_value();
    const bool last_look = counted ? --*looks_ <= 0 : Clock::now() >= end;
    lock.unlock();
    const std::vector<std::string> missing = MissingShards(path, shards);
    if (missing.empty()) return;
    Check(!last_look, "cannot write ", path, ": of the ", shards.world, " parts of the optimiser's state, one a rank, ",
          missing.size(), " did not come, the first of them ", missing[0]);
    lock.lock();
    changed_.wait_for(lock, kBetweenLooks, [&] { return looks_.has_value() != counted; });
  }
}

void CheckpointWriter::Work() {
  std::unique_lock lock(mutex_);
  while (!stopped_ || HasUntried()) {
    WriteDue(lock);
    if (stopped_) continue;
    if (pending_.empty()) {
      changed_.wait(lock, [this] { return stopped_ || !pending_.empty(); });
    } else {
      changed_.wait_for(lock, options_.between_tries, [this] { return stopped_ || HasUntried(); });
    }
  }
}

}  // namespace orbit::io
