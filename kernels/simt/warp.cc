#include "kernels/simt/warp.h"

#include "kernels/simt/fiber.h"
#include "kernels/simt/shared_memory.h"

namespace orbit::kernels::simt {
namespace {

struct ShuffleOperand {
  uint64_t bits, result;
  int from;
};

void ExchangeBits(void* const* operands, int count) {
  for (int i = 0; i < count; ++i) {
    if (!operands[i]) continue;
    auto* own = static_cast<ShuffleOperand*>(operands[i]);
    const bool there = own->from >= 0 && own->from < count && operands[own->from];
    if (there)
      own->result = static_cast<const ShuffleOperand*>(operands[own->from])->bits;
    else
      Poison(&own->result, sizeof(own->result));
  }
}

struct VoteOperand {
  bool predicate;
  uint32_t result;
};

void Vote(void* const* operands, int count) {
  uint32_t votes = 0;
  for (int i = 0; i < count; ++i)
    if (operands[i] && static_cast<const VoteOperand*>(operands[i])->predicate) votes |= uint32_t{1} << i;
  for (int i = 0; i < count; ++i)
    if (operands[i]) static_cast<VoteOperand*>(operands[i])->result = votes;
}

void Count(void* const* operands, int count) {
  uint32_t votes = 0;
  for (int i = 0; i < count; ++i) votes += operands[i] && static_cast<const VoteOperand*>(operands[i])->predicate;
  for (int i = 0; i < count; ++i)
    if (operands[i]) static_cast<VoteOperand*>(operands[i])->result = votes;
}

}  // namespace

uint64_t ShuffleBits(const char* what, uint32_t mask, uint64_t bits, int from, std::source_location where) {
  ShuffleOperand operand = {bits, 0, from};
  Meet({.what = what, .where = where, .lanes = mask, .exchange = ExchangeBits, .operand = &operand});
  return operand.result;
}

uint32_t Ballot(const char* what, uint32_t mask, bool predicate, std::source_location where) {
  VoteOperand operand = {predicate, 0};
  Meet({.what = what, .where = where, .lanes = mask, .exchange = Vote, .operand = &operand});
  return operand.result;
}

int CountInBlock(const char* what, bool predicate, std::source_location where) {
  VoteOperand operand = {predicate, 0};
  Meet({.what = what, .where = where, .orders_memory = true, .exchange = Count, .operand = &operand});
  return static_cast<int>(operand.result);
}

void Fence() {
  static char address;
  Acquire(&address);
  Release(&address);
}

}  // namespace orbit::kernels::simt
