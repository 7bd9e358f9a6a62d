#include "engine/caching_allocator.h"

#include <algorithm>
#include <bit>
#include <sstream>

#include "engine/error.h"
#include "engine/profiling.h"

namespace orbit {
namespace {

constexpr size_t kAlignment = 64;

// Rounds up to one of eight sizes an octave, so that a cached block fits requests of up to 12 % less.
size_t SizeClass(size_t bytes) {
  bytes = std::max<size_t>(bytes, 1);
  if (bytes <= 512) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

std::string Readable(size_t bytes) {
  std::ostringstream text;
  text.precision(3);
  if (bytes >= size_t{1} << 30)
    text << static_cast<double>(bytes) / (1 << 30) << " GiB";
  else if (bytes >= size_t{1} << 20)
    text << static_cast<double>(bytes) / (1 << 20) << " MiB";
  else
    text << bytes << " bytes";
  return text.str();
}

}  // namespace

void* CachingAllocator::Allocate(size_t bytes) {
  const size_t size = SizeClass(bytes);
  std::lock_guard lock(mutex_);
  void* block = nullptr;
  if (auto& blocks = free_[size]; !blocks.empty()) {
    block = blocks.back();
    blocks.pop_back();
  } else {
    Backend& backend = BackendOf(device_.type);
    block = backend.Obtain(device_.index, size);
    if (!block) {
      ReleaseCache();
      block = backend.Obtain(device_.index, size);
    }
    if (!block) FailWithout(bytes);
    ++statistics_.system_allocations;
    statistics_.bytes_reserved += static_cast<int64_t>(size);
  }
  in_use_.emplace(block, size);
  statistics_.bytes_in_use += static_cast<int64_t>(size);
  statistics_.peak_bytes_in_use = std::max(statistics_.peak_bytes_in_use, statistics_.bytes_in_use);
  return block;
}

void CachingAllocator::Deallocate(void* data) noexcept {
  std::lock_guard lock(mutex_);
  const auto entry = in_use_.find(data);
  if (entry == in_use_.end()) return;
  statistics_.bytes_in_use -= static_cast<int64_t>(entry->second);
  free_[entry->second].push_back(data);
  in_use_.erase(entry);
}

MemoryStatistics CachingAllocator::statistics() {
  std::lock_guard lock(mutex_);
  return statistics_;
}

void CachingAllocator::ResetPeak() {
  std::lock_guard lock(mutex_);
  statistics_.peak_bytes_in_use = statistics_.bytes_in_use;
}

void CachingAllocator::ReleaseCache() {
  Backend& backend = BackendOf(device_.type);
  bool waited = false;
  for (auto& [size, blocks] : free_) {
    if (!blocks.empty() && !std::exchange(waited, true)) backend.Synchronize(device_.index);
    statistics_.bytes_reserved -= static_cast<int64_t>(size * blocks.size());
    for (void* block : blocks) backend.Release(device_.index, block, size);
    blocks.clear();
  }
}

void CachingAllocator::FailWithout(size_t bytes) {
  std::map<size_t, int64_t> counts;
  for (const auto& [block, size] : in_use_) ++counts[size];
  std::vector<std::pair<size_t, int64_t>> largest(counts.begin(), counts.end());
  std::sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) {
    return a.first * static_cast<size_t>(a.second) > b.first * static_cast<size_t>(b.second);
  });
  std::ostringstream held;
  for (size_t i = 0; i < std::min<size_t>(largest.size(), 5); ++i)
    held << (i ? ", " : "") << largest[i].second << " x " << Readable(largest[i].first);
  const std::string where = ProfileRange::Current();
  Fail("out of memory on ", DescribeDevice(device_), where.empty() ? "" : " in ", where, ": asked for ", bytes,
       " bytes (", Readable(bytes), ") with ", Readable(static_cast<size_t>(statistics_.bytes_in_use)), " in use",
       largest.empty() ? "" : ", most of it in blocks of ", held.str(), ". Fewer samples or a smaller batch need less");
}

}  // namespace orbit
