#include "engine/distributed/share.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <vector>

namespace orbit {
namespace {

constexpr std::chrono::milliseconds kBetweenSigns(100);  // of life, at most; short work is not to wait for long

}  // namespace

Variable SumOverRanks(const Variable& x, Communicator& ranks) {
  Tensor sum = x.value().Clone();
  ranks.AllReduce(sum).Wait();
  return MakeVariable("SumOverRanks", sum, {x},
                      [](const Gradients& gradients) { gradients.Add(0, gradients.output()); });
}

std::string ShareText(std::string text, int root, Communicator& ranks, Device device) {
  if (ranks.world() == 1) return text;
  const Tensor size = Tensor::Full({}, static_cast<double>(text.size()), DType::kI64, device);
  ranks.Broadcast(size, root).Wait();
  const auto length = static_cast<int64_t>(size.Item());
  if (length == 0) return "";
  const bool mine = ranks.rank() == root;
  const Tensor bytes = mine ? Tensor::From(std::vector<uint8_t>(text.begin(), text.end()), {length}, device)
                            : Tensor::Empty({length}, DType::kU8, device);
  ranks.Broadcast(bytes, root).Wait();
  if (mine) return text;
  const Tensor here = bytes.To(Device{});
  return {reinterpret_cast<const char*>(here.data<uint8_t>()), static_cast<size_t>(length)};
}

bool OnAnyRank(bool here, Communicator& ranks, Device device) {
  if (ranks.world() == 1) return here;
  const Tensor any = Tensor::Full({}, here ? 1 : 0, DType::kI64, device);
  ranks.AllReduce(any, ReduceOp::kMax).Wait();
  return any.Item() > 0;
}

void AwaitAll(Communicator& ranks, Device device, const std::function<void()>& work) {
  AwaitAll(
      ranks, device, [] { return false; }, [&](const Request&) { work(); });
}

void AwaitAll(Communicator& ranks, Device device, const Request& asked,
              const std::function<void(const Request& any_asked)>& work) {
  if (ranks.world() == 1) return work(asked);
  std::atomic<bool> done = false, failed = false, any_asked = false;
  std::exception_ptr lost;
  std::thread signs([&] {
    try {
      std::chrono::milliseconds pause(1);
      for (bool all = false; !all && !failed;) {
        const Tensor sign = Tensor::From<int64_t>({done ? 0 : 1, asked() ? 1 : 0}, {2}, device);
        ranks.AllReduce(sign, ReduceOp::kMax).Wait();
        const std::vector<int64_t> of_any = sign.ToVector<int64_t>();
        all = of_any[0] == 0;
        any_asked = of_any[1] > 0;
        if (!all) std::this_thread::sleep_for(pause);
        pause = std::min(2 * pause, kBetweenSigns);
      }
    } catch (...) {
      lost = std::current_exception();
    }
  });
  try {
    work([&] { return any_asked || asked(); });
    done = true;
  } catch (const std::exception& error) {
    failed = true;
    ranks.Abort(error.what());
    signs.join();
    throw;
  }
  signs.join();
  if (lost) std::rethrow_exception(lost);
}

}  // namespace orbit
