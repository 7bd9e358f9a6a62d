// What is used of NCCL, 2.18 or later: declared here, so that no build needs it, and loaded when it is needed.
// https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api.html
#ifndef ORBIT_ENGINE_DISTRIBUTED_NCCL_API_H_
#define ORBIT_ENGINE_DISTRIBUTED_NCCL_API_H_

#include <climits>
#include <cstddef>
#include <string>

namespace orbit::nccl {

enum Result : int {
  kSuccess = 0,
  kUnhandledCudaError = 1,
  kSystemError = 2,
  kInternalError = 3,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7,
};
enum DataType : int { kUint8 = 1, kInt32 = 2, kInt64 = 4, kFloat32 = 7, kFloat64 = 8, kBfloat16 = 9 };
enum RedOp : int { kSum = 0, kMax = 2, kMin = 3 };

using Comm = struct CommOpaque*;
using Stream = void*;  // cudaStream_t

struct UniqueId {
  char internal[128];
};

constexpr int kLeastVersion = 21800;  // 2.18.0

// ncclConfig_t as of the least version; later ones go by `size` and take what is missing as undefined.
struct Config {
  size_t size = sizeof(Config);
  unsigned int magic = 0xcafebeef;
  unsigned int version = kLeastVersion;
  int blocking = INT_MIN;
  int cga_cluster_size = INT_MIN;
  int min_ctas = INT_MIN;
  int max_ctas = INT_MIN;
  const char* net_name = nullptr;
  int split_share = INT_MIN;
};

struct Api {
  int version = 0;  // 22809 for 2.28.9
  Result (*GetVersion)(int*);
  const char* (*GetErrorString)(Result);
  const char* (*GetLastError)(Comm);
  Result (*GetUniqueId)(UniqueId*);
  Result (*CommInitRankConfig)(Comm*, int ranks, UniqueId, int rank, Config*);
  Result (*CommGetAsyncError)(Comm, Result*);
  Result (*CommFinalize)(Comm);
  Result (*CommDestroy)(Comm);
  Result (*CommAbort)(Comm);
  Result (*AllReduce)(const void* in, void* out, size_t count, DataType, RedOp, Comm, Stream);
  Result (*Broadcast)(const void* in, void* out, size_t count, DataType, int root, Comm, Stream);
  Result (*AllGather)(const void* in, void* out, size_t count_in, DataType, Comm, Stream);
  Result (*ReduceScatter)(const void* in, void* out, size_t count_out, DataType, RedOp, Comm, Stream);
  Result (*Send)(const void* in, size_t count, DataType, int to, Comm, Stream);
  Result (*Recv)(void* out, size_t count, DataType, int from, Comm, Stream);
  Result (*GroupStart)();
  Result (*GroupEnd)();
};

// Loads libnccl.so.2, or what ORBIT_NCCL names, on first use. Throws Error if it is not there or too old.
const Api& Load();

std::string VersionText(int version);  // "2.28.9"

}  // namespace orbit::nccl

#endif  // ORBIT_ENGINE_DISTRIBUTED_NCCL_API_H_
