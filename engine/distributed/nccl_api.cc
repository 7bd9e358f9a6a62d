#include "engine/distributed/nccl_api.h"

#include <cstdlib>

#include "kernels/cuda/shared_library.h"
#include "kernels/error.h"

namespace orbit::nccl {

const Api& Load() {
  static const Api* api = [] {
    const char* chosen = std::getenv("ORBIT_NCCL");
    const std::string name = chosen && *chosen ? chosen : "libnccl.so.2";
    const kernels::SharedLibrary library(name);
    auto* made = new Api;
    const auto find = [&]<class Function>(Function*& function, const char* symbol) {
      function = library.Get<Function*>(symbol);
    };
    find(made->GetVersion, "ncclGetVersion");
    Check(made->GetVersion(&made->version) == kSuccess, name, " does not tell its version");
    Check(made->version >= kLeastVersion, name, " is of version ", VersionText(made->version),
          "; 2.18 or later is needed");
    find(made->GetErrorString, "ncclGetErrorString");
    find(made->GetLastError, "ncclGetLastError");
    find(made->GetUniqueId, "ncclGetUniqueId");
    find(made->CommInitRankConfig, "ncclCommInitRankConfig");
    find(made->CommGetAsyncError, "ncclCommGetAsyncError");
    find(made->CommFinalize, "ncclCommFinalize");
    find(made->CommDestroy, "ncclCommDestroy");
    find(made->CommAbort, "ncclCommAbort");
    find(made->AllReduce, "ncclAllReduce");
    find(made->Broadcast, "ncclBroadcast");
    find(made->AllGather, "ncclAllGather");
    find(made->ReduceScatter, "ncclReduceScatter");
    find(made->Send, "ncclSend");
    find(made->Recv, "ncclRecv");
    find(made->GroupStart, "ncclGroupStart");
    find(made->GroupEnd, "ncclGroupEnd");
    return made;
  }();
  return *api;
}

std::string VersionText(int version) {
  const int major = version / 10000;
  return std::to_string(major) + '.' + std::to_string(version / 100 % 100) + '.' + std::to_string(version % 100);
}

}  // namespace orbit::nccl
