#include "tools/experiments/shared_directory.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "engine/distributed/share.h"
#include "engine/io/atomic_file.h"
#include "engine/io/contents.h"
#include "kernels/error.h"

namespace orbit {
namespace {

// The file of a token is kTokenFile and the token: another one at every call, which no file system can remember as
// missing, as NFS does for a while with names that were looked for.
constexpr char kTokenFile[] = "ranks.token-";

// For how long a file of rank 0's is waited for, on a file system that takes time to show it.
constexpr std::chrono::seconds kPatience(5);
constexpr std::chrono::milliseconds kBetweenLooks(50);

std::string DrawToken() {
  std::random_device random;
  char text[20];
  std::snprintf(text, sizeof(text), "%08x%08x", static_cast<unsigned>(random()), static_cast<unsigned>(random()));
  return text;
}

// The tokens of jobs that were killed; rank 0's directory has one writer at a time.
void RemoveTokens(const std::filesystem::path& directory) {
  std::error_code ignored;
  std::vector<std::filesystem::path> tokens;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    if (entry.path().filename().string().starts_with(kTokenFile)) tokens.push_back(entry.path());
  for (const std::filesystem::path& token : tokens) std::filesystem::remove(token, ignored);
}

// Removes a file of rank 0's in the end.
struct Removal {
  explicit Removal(std::string path) : file(std::move(path)) {}
  Removal(const Removal&) = delete;
  ~Removal() {
    std::error_code ignored;
    if (!file.empty()) std::filesystem::remove(file, ignored);
  }
  const std::string file;
};

void CheckSees(const SharedDirectory& directory, const std::string& file, const Communicator& ranks) {
  std::string found, reason;
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (found != directory.token && (reason.empty() || std::chrono::steady_clock::now() < until)) {
    if (!reason.empty()) std::this_thread::sleep_for(kBetweenLooks);
    reason = file + " has other contents";
    try {
      found = io::ReadContents(file);
    } catch (const Error& error) {
      reason = error.what();
    }
  }
  Check(found == directory.token, ranks.Describe(), " does not see rank 0's directory ", directory.path, " (", reason,
        "), where every rank is to write its part of the optimiser's state: choose one on a file system that all ranks "
        "share, by run.directory, or set train.shard_optimizer=false");
}

}  // namespace

SharedDirectory ShareDirectory(const std::string& of_first, Communicator& ranks, Device device) {
  SharedDirectory directory;
  const bool first = ranks.rank() == 0;
  AwaitAll(ranks, device, [&] {
    if (!first) return;
    directory = {.path = std::filesystem::absolute(of_first).string(), .token = DrawToken()};
    RemoveTokens(directory.path);
    io::WriteFileAtomically(directory.path + "/" + kTokenFile + directory.token, directory.token);
  });
  directory.path = ShareText(directory.path, 0, ranks, device);
  directory.token = ShareText(directory.token, 0, ranks, device);
  const std::string file = directory.path + "/" + kTokenFile + directory.token;
  const Removal removal(first ? file : "");
  AwaitAll(ranks, device, [&] {
    if (!first) CheckSees(directory, file, ranks);
  });
  return directory;
}

}  // namespace orbit
