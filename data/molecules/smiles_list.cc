#include "data/molecules/smiles_list.h"

#include <mutex>

#include "data/io/sha256.h"
#include "kernels/parallel.h"

namespace orbit {
namespace {

constexpr int64_t kAtOnce = 32;  // that a thread takes

}  // namespace

void ForEachSmiles(int64_t count, const std::function<void(int64_t)>& f, const ShareDone& progress) {
  std::mutex mutex;
  int64_t done = 0;
  kernels::ParallelFor(count, kAtOnce, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
    if (!progress) return;
    const std::lock_guard lock(mutex);
    done += end - begin;
    progress(static_cast<double>(done) / static_cast<double>(count));
  });
}

std::string DigestOf(const std::vector<std::string>& smiles) {
  Sha256 digest;
  for (const std::string& text : smiles) digest.Add(std::to_string(text.size()) + " " + text);
  return digest.Hex();
}

}  // namespace orbit
