#include "tools/experiments/shared_directory.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include "engine/distributed/share.h"
#include "engine/io/atomic_file.h"
#include "engine/io/contents.h"
#include "kernels/error.h"

namespace orbit {
namespace {

std::string DrawToken() {
  std::random_device random;
  char text[20];
  std::snprintf(text, sizeof(text), "%08x%08x", static_cast<unsigned>(random()), static_cast<unsigned>(random()));
  return text;
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
  std::string found, reason = "another directory is there";
  try {
    found = io::ReadContents(file);
  } catch (const Error& error) {
    reason = error.what();
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
    io::WriteFileAtomically(directory.path + "/ranks.token", directory.token);
  });
  directory.path = ShareText(directory.path, 0, ranks, device);
  directory.token = ShareText(directory.token, 0, ranks, device);
  const std::string file = directory.path + "/ranks.token";
  const Removal removal(first ? file : "");
  AwaitAll(ranks, device, [&] {
    if (!first) CheckSees(directory, file, ranks);
  });
  return directory;
}

}  // namespace orbit
