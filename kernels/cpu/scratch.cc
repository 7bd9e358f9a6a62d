#include "kernels/cpu/scratch.h"

#include <algorithm>
#include <new>
#include <vector>

namespace orbit::kernels::internal {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Block {
  void* data;
  size_t bytes;
};

// The calling thread's free blocks, in ascending order of size.
struct FreeList {
  std::vector<Block> blocks;

  ~FreeList() {
    for (const Block& block : blocks) operator delete(block.data, kAlignment);
  }
};

FreeList& OfThread() {
  thread_local FreeList list;
  return list;
}

}  // namespace

ScratchBlock::ScratchBlock(size_t bytes) {
  auto& blocks = OfThread().blocks;
  const auto fit = std::find_if(blocks.begin(), blocks.end(), [&](const Block& block) { return block.bytes >= bytes; });
  if (fit != blocks.end()) {
    data_ = fit->data;
    bytes_ = fit->bytes;
    blocks.erase(fit);
    return;
  }
  if (!blocks.empty()) {  // nothing fits: replace the largest free block
    operator delete(blocks.back().data, kAlignment);
    blocks.pop_back();
  }
  data_ = operator new(bytes, kAlignment);
  bytes_ = bytes;
}

ScratchBlock::~ScratchBlock() {
  auto& blocks = OfThread().blocks;
  const auto place =
      std::find_if(blocks.begin(), blocks.end(), [&](const Block& block) { return block.bytes >= bytes_; });
  blocks.insert(place, {data_, bytes_});
}

}  // namespace orbit::kernels::internal
