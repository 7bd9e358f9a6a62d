// A double of libnccl: its functions, among processes of one machine, on the emulator's memory.
//
// Ranks share a file, which the unique id names, with a slot of data for every rank. An operation is done piece by
// piece: every rank writes its piece to its slot, all wait for each other, and read what they need. Sums are taken in
// the order of the ranks and, as in NCCL, in the tensors' own dtype. Sends and receives, which have to be in a group,
// go through a slot for every pair of ranks; one whose other side is missing, or of another size, does not end before
// the abort.
//
// The environment variable ORBIT_NCCL_DOUBLE has a rank misbehave:
//   old          the version is 2.17
//   init-error   the set-up reports an error
//   init-hang    the set-up is never complete
//   slow         every operation takes 50 ms
//   error:N      the N-th operation, from 1, reports an error, and does not end before the abort
//   hang:N       the N-th operation does not end before the abort
// A group is one operation.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/distributed/nccl_api.h"
#include "engine/simt_queue.h"
#include "kernels/bfloat16.h"

namespace {

using namespace orbit;

constexpr int kMostRanks = 8;
constexpr size_t kPieceBytes = 1 << 16;

// What a rank sends another one: a piece that has been written and not read yet.
struct Letter {
  std::atomic<bool> there;
  size_t bytes;
  char data[kPieceBytes];
};

// The contents of the file.
struct Shared {
  std::atomic<int> waiting, round, joined;
  std::atomic<int> ended;  // the ranks that have finalized
  char slots[kMostRanks][kPieceBytes];
  Letter letters[kMostRanks][kMostRanks];  // by sender and receiver
};

std::string Misbehaviour() {
  const char* value = std::getenv("ORBIT_NCCL_DOUBLE");
  return value ? value : "";
}

// "hang:3" for ("hang", 3).
bool Misbehaves(const char* how, int operation) { return Misbehaviour() == how + (':' + std::to_string(operation)); }

size_t SizeOf(nccl::DataType type) {
  switch (type) {
    case nccl::kUint8:
      return 1;
    case nccl::kBfloat16:
      return 2;
    case nccl::kInt64:
    case nccl::kFloat64:
      return 8;
    default:
      return 4;
  }
}

template <class T>
void Combine(T* sum, const T* other, size_t count, nccl::RedOp op) {
  for (size_t i = 0; i < count; ++i) {
    const auto a = kernels::ToSumType(sum[i]), b = kernels::ToSumType(other[i]);
    sum[i] = kernels::FromSumType<T>(op == nccl::kSum ? a + b : op == nccl::kMin ? std::min(a, b) : std::max(a, b));
  }
}

void CombineBytes(char* sum, const char* other, size_t count, nccl::DataType type, nccl::RedOp op) {
  const auto with = [&]<class T>(T*) {
    Combine(reinterpret_cast<T*>(sum), reinterpret_cast<const T*>(other), count, op);
  };
  switch (type) {
    case nccl::kUint8:
      return with(static_cast<uint8_t*>(nullptr));
    case nccl::kInt32:
      return with(static_cast<int32_t*>(nullptr));
    case nccl::kInt64:
      return with(static_cast<int64_t*>(nullptr));
    case nccl::kFloat32:
      return with(static_cast<float*>(nullptr));
    case nccl::kFloat64:
      return with(static_cast<double*>(nullptr));
    case nccl::kBfloat16:
      return with(static_cast<BFloat16*>(nullptr));
  }
}

Shared* Map(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared)) != 0) std::abort();
  void* data = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (data == MAP_FAILED) std::abort();
  return static_cast<Shared*>(data);
}

}  // namespace

namespace orbit::nccl {

// A send, or a receive, that is done piece by piece.
struct Transfer {
  bool sends = false;
  char* data = nullptr;
  size_t bytes = 0;
  int peer = 0;
  size_t done = 0;
};

struct CommOpaque {
  int rank = 0, world = 0;
  std::string path;
  Shared* shared = nullptr;
  std::atomic<Result> state = kInProgress;
  std::atomic<bool> aborted = false;
  std::atomic<int> in_progress_answers = 0;  // still to be given before the state
  std::atomic<int> queued = 0;
  int operations = 0;
  std::thread set_up;

  bool Usable() const { return state == kSuccess && in_progress_answers == 0; }

  // Returns false after an abort.
  bool Await(const std::function<bool()>& condition) const {
    while (!condition()) {
      if (aborted) return false;
      usleep(100);
    }
    return true;
  }

  bool Meet() {
    const int round = shared->round;
    if (++shared->waiting == world) {
      shared->waiting = 0;
      ++shared->round;
      return true;
    }
    return Await([&] { return shared->round != round; });
  }

  // Queues an operation on `count` elements of every rank: `in` of each goes to the slots, and `take` gets them, piece
  // by piece, with the index of the first element and their number.
  using Take = std::function<void(size_t begin, size_t count)>;
  Result Enqueue(const void* in, size_t count, DataType type, Stream stream, Take take) {
    return Enqueue(stream, [=, this] {
      const size_t piece = kPieceBytes / SizeOf(type);
      bool good = true;
      for (size_t begin = 0; good && begin < count; begin += piece) {
        const size_t now = std::min(piece, count - begin);
        if (in)
          std::memcpy(shared->slots[rank], static_cast<const char*>(in) + begin * SizeOf(type), now * SizeOf(type));
        good = Meet();
        if (good) take(begin, now);
        good = good && Meet();
      }
    });
  }

  // Queues transfers, with each rank one at most either way, which go on side by side.
  Result Enqueue(Stream stream, std::vector<Transfer> transfers) {
    return Enqueue(stream, [this, left = std::move(transfers)]() mutable {
      Await([&] {
        std::erase_if(left, [&](Transfer& transfer) { return Advance(transfer); });
        return left.empty();
      });
    });
  }

  Result Enqueue(Stream stream, std::function<void()> work) {
    if (!Usable()) return state == kSuccess || state == kInProgress ? kInvalidUsage : state.load();
    const int operation = ++operations;
    ++queued;
    static_cast<SimtStream*>(stream)->Submit([=, this] {
      if (Misbehaviour() == "slow") usleep(50'000);
      if (Misbehaves("error", operation)) state = kRemoteError;
      if (Misbehaves("error", operation) || Misbehaves("hang", operation)) Await([] { return false; });
      if (!aborted) work();
      --queued;
    });
    // Some calls are accepted a little later, as NCCL's are when connections are made.
    if (operation % 3 == 1) in_progress_answers = 2;
    return operation % 3 == 1 ? kInProgress : kSuccess;
  }

  // Sends or receives a piece if it can, and returns whether the other side has all.
  bool Advance(Transfer& transfer) {
    Letter& letter = transfer.sends ? shared->letters[rank][transfer.peer] : shared->letters[transfer.peer][rank];
    const size_t now = std::min(kPieceBytes, transfer.bytes - transfer.done);
    if (transfer.sends) {
      if (letter.there) return false;
      if (now == 0) return true;
      std::memcpy(letter.data, transfer.data + transfer.done, now);
      letter.bytes = now;
      letter.there = true;
    } else {
      if (!letter.there || letter.bytes != now) return false;
      std::memcpy(transfer.data + transfer.done, letter.data, now);
      letter.there = false;
    }
    transfer.done += now;
    return !transfer.sends && transfer.done == transfer.bytes;
  }

  // The pieces of all ranks, combined in their order, to `to`.
  void CombineSlots(char* to, size_t count, DataType type, RedOp op) const {
    std::memcpy(to, shared->slots[0], count * SizeOf(type));
    for (int other = 1; other < world; ++other) CombineBytes(to, shared->slots[other], count, type, op);
  }
};

// This thread's calls since ncclGroupStart.
struct Group {
  bool open = false;
  Comm comm = nullptr;
  Stream stream = nullptr;
  std::vector<Transfer> transfers;
};
thread_local Group group;

Result AddToGroup(const Transfer& transfer, Comm comm, Stream stream) {
  if (!group.open) return kInvalidUsage;
  group.comm = comm;
  group.stream = stream;
  group.transfers.push_back(transfer);
  return kSuccess;
}

extern "C" {

Result ncclGetVersion(int* version) {
  *version = Misbehaviour() == "old" ? 21701 : 21800;
  return kSuccess;
}

const char* ncclGetErrorString(Result result) { return result == kRemoteError ? "remote process exited" : "an error"; }
const char* ncclGetLastError(Comm) { return "as the double was told"; }

Result ncclGetUniqueId(UniqueId* id) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder ? folder : "/tmp") + "/nccl-double-" + std::to_string(getpid());
  unlink(path.c_str());
  std::strncpy(id->internal, path.c_str(), sizeof id->internal - 1);
  return kSuccess;
}

Result ncclCommInitRankConfig(Comm* comm, int ranks, UniqueId id, int rank, Config* config) {
  if (config->blocking != 0 || config->magic != 0xcafebeef || ranks > kMostRanks) return kInvalidArgument;
  *comm = new CommOpaque;
  CommOpaque& made = **comm;
  made.rank = rank;
  made.world = ranks;
  made.path = id.internal;
  made.shared = Map(made.path);
  made.set_up = std::thread([&made] {
    if (Misbehaviour() == "init-error") {
      made.state = kSystemError;
      return;
    }
    if (Misbehaviour() == "init-hang" && !made.Await([] { return false; })) return;
    ++made.shared->joined;
    if (made.Await([&] { return made.shared->joined == made.world; })) made.state = kSuccess;
  });
  return kInProgress;
}

Result ncclCommGetAsyncError(Comm comm, Result* error) {
  *error = comm->in_progress_answers > 0 && comm->in_progress_answers-- > 0 ? kInProgress : comm->state.load();
  return kSuccess;
}

// Aborted ones stay in memory: operations on the queue may still look at them.
Result ncclCommAbort(Comm comm) {
  comm->aborted = true;
  if (comm->set_up.joinable()) comm->set_up.join();
  if (comm->rank == 0) unlink(comm->path.c_str());
  return kSuccess;
}

Result ncclCommFinalize(Comm comm) {
  if (!comm->Usable()) return kInvalidUsage;
  comm->set_up.join();
  comm->state = kInProgress;
  comm->set_up = std::thread([comm] {
    comm->Await([&] { return comm->queued == 0; });
    ++comm->shared->ended;
    if (comm->Await([&] { return comm->shared->ended == comm->world; })) comm->state = kSuccess;
  });
  return kInProgress;
}

Result ncclCommDestroy(Comm comm) {
  comm->set_up.join();
  if (comm->rank == 0) unlink(comm->path.c_str());
  munmap(comm->shared, sizeof(Shared));
  delete comm;
  return kSuccess;
}

Result ncclAllReduce(const void* in, void* out, size_t count, DataType type, RedOp op, Comm comm, Stream stream) {
  return comm->Enqueue(in, count, type, stream, [=](size_t begin, size_t now) {
    comm->CombineSlots(static_cast<char*>(out) + begin * SizeOf(type), now, type, op);
  });
}

Result ncclBroadcast(const void* in, void* out, size_t count, DataType type, int root, Comm comm, Stream stream) {
  return comm->Enqueue(comm->rank == root ? in : nullptr, count, type, stream, [=](size_t begin, size_t now) {
    std::memcpy(static_cast<char*>(out) + begin * SizeOf(type), comm->shared->slots[root], now * SizeOf(type));
  });
}

Result ncclAllGather(const void* in, void* out, size_t count, DataType type, Comm comm, Stream stream) {
  return comm->Enqueue(in, count, type, stream, [=](size_t begin, size_t now) {
    for (int other = 0; other < comm->world; ++other)
      std::memcpy(static_cast<char*>(out) + (other * count + begin) * SizeOf(type), comm->shared->slots[other],
                  now * SizeOf(type));
  });
}

Result ncclReduceScatter(const void* in, void* out, size_t count, DataType type, RedOp op, Comm comm, Stream stream) {
  return comm->Enqueue(in, count * comm->world, type, stream, [=](size_t begin, size_t now) {
    // The elements of this rank's part that the piece has.
    const size_t first = std::max(begin, count * comm->rank), end = std::min(begin + now, count * (comm->rank + 1));
    if (first >= end) return;
    std::vector<char> all(now * SizeOf(type));
    comm->CombineSlots(all.data(), now, type, op);
    std::memcpy(static_cast<char*>(out) + (first - count * comm->rank) * SizeOf(type),
                all.data() + (first - begin) * SizeOf(type), (end - first) * SizeOf(type));
  });
}

Result ncclSend(const void* in, size_t count, DataType type, int peer, Comm comm, Stream stream) {
  return AddToGroup({true, static_cast<char*>(const_cast<void*>(in)), count * SizeOf(type), peer}, comm, stream);
}

Result ncclRecv(void* out, size_t count, DataType type, int peer, Comm comm, Stream stream) {
  return AddToGroup({false, static_cast<char*>(out), count * SizeOf(type), peer}, comm, stream);
}

Result ncclGroupStart() {
  group = {.open = true};
  return kSuccess;
}

Result ncclGroupEnd() {
  const Group ended = std::exchange(group, {});
  if (!ended.open) return kInvalidUsage;
  return ended.transfers.empty() ? kSuccess : ended.comm->Enqueue(ended.stream, ended.transfers);
}

}  // extern "C"

}  // namespace orbit::nccl
