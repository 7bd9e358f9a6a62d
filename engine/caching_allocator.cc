#include "engine/caching_allocator.h"

#include <algorithm>
#include <bit>
#include <sstream>
#include <utility>

#include "engine/profiling.h"
#include "kernels/error.h"

namespace orbit {
namespace {

constexpr size_t kAlignment = 64;

// Rounds up to one of eight sizes per power of two, so that a cached block fits requests that are up to 12 % smaller.
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
  void* data = filling_ ? Take(filling_->free, size) : nullptr;
  if (!data) {
    data = Take(free_, size);
    if (!data) data = FromSystem(size);
    if (!data) FailWithout(bytes);
    statistics_.bytes_in_use += static_cast<int64_t>(size);
    statistics_.peak_bytes_in_use = std::max(statistics_.peak_bytes_in_use, statistics_.bytes_in_use);
  }
  in_use_.emplace(data, Block{data, size, handed_out_++, filling_});
  return data;
}

void CachingAllocator::Deallocate(void* data) noexcept {
  std::lock_guard lock(mutex_);
  const auto entry = in_use_.find(data);
  if (entry == in_use_.end()) return;
  Free(entry->second);
  in_use_.erase(entry);
}

void* CachingAllocator::Take(Cache& cache, size_t size) {
  const auto blocks = cache.find(size);
  if (blocks == cache.end() || blocks->second.empty()) return nullptr;
  void* data = blocks->second.back();
  blocks->second.pop_back();
  return data;
}

// Returns null if there is no memory left.
void* CachingAllocator::FromSystem(size_t size) {
  Backend& backend = BackendOf(device_.type);
  void* data = backend.Obtain(device_.index, size);
  if (!data && !filling_) {  // giving memory back waits for the device
    ReleaseCache();
    data = backend.Obtain(device_.index, size);
  }
  if (!data) return nullptr;
  ++statistics_.system_allocations;
  statistics_.bytes_reserved += static_cast<int64_t>(size);
  return data;
}

void CachingAllocator::Free(const Block& block) {
  if (block.pool) {
    block.pool->free[block.size].push_back(block.data);
    return;
  }
  for (const auto& pool : pools_)
    if (block.number < pool->end) {
      pool->held.push_back(block);
      return;
    }
  statistics_.bytes_in_use -= static_cast<int64_t>(block.size);
  free_[block.size].push_back(block.data);
}

std::shared_ptr<void> CachingAllocator::BeginPool() {
  std::lock_guard lock(mutex_);
  Check(!filling_, "a pool of memory is filled on ", NameOf(device_), " already");
  filling_ = pools_.emplace_back(std::make_unique<Pool>()).get();
  return std::shared_ptr<Pool>(filling_, [this](Pool* pool) { ReleasePool(pool); });
}

void CachingAllocator::EndPool() {
  std::lock_guard lock(mutex_);
  filling_->end = handed_out_;
  filling_ = nullptr;
}

void CachingAllocator::ReleasePool(Pool* pool) noexcept {
  std::lock_guard lock(mutex_);
  const auto entry = std::find_if(pools_.begin(), pools_.end(), [&](const auto& p) { return p.get() == pool; });
  const std::unique_ptr<Pool> released = std::move(*entry);
  pools_.erase(entry);
  for (auto& [data, block] : in_use_)
    if (block.pool == pool) block.pool = nullptr;
  for (const Block& block : released->held) Free(block);
  for (const auto& [size, blocks] : released->free)
    for (void* data : blocks) Free({data, size, released->end - 1});
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
  for (const auto& [data, block] : in_use_) ++counts[block.size];
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
