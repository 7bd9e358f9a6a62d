// NCCL itself, with a rank for every GPU of this machine; with its double, two ranks on the emulator. Ranks are threads
// here, so that the test also runs where CUDA is in use before.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/device.h"
#include "engine/distributed/make_communicator.h"
#include "engine/distributed/nccl_api.h"
#include "kernels/error.h"

namespace orbit {
namespace {

std::vector<Device> Devices() {
  if (const std::vector<Device> gpus = CudaDevices(); !gpus.empty()) return gpus;
  return std::vector<Device>(std::getenv("ORBIT_NCCL") ? 2 : 0, {DeviceType::kSimt});
}

void RunOnAll(const std::function<void(Communicator&, Device)>& rank) {
  const std::vector<Device> devices = Devices();
  if (devices.empty()) GTEST_SKIP() << "no GPU here";
  try {
    nccl::Load();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();  // only several ranks need it
  }
  static int count = 0;
  const std::string place = "file://" + (std::filesystem::temp_directory_path() / "orbit-nccl-").string() +
                            std::to_string(getpid()) + "-" + std::to_string(++count);
  std::vector<std::string> errors(devices.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < devices.size(); ++i)
    threads.emplace_back([&, i] {
      try {
        const int number = static_cast<int>(i), world = static_cast<int>(devices.size());
        CommunicatorOptions options;
        options.ranks = {number, world, number, place, "", "the test"};
        options.library = "nccl";
        const auto communicator = MakeCommunicator(options, devices[i]);
        if (i == 0) std::puts(communicator->Describe().c_str());
        rank(*communicator, devices[i]);
      } catch (const std::exception& error) {
        errors[i] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) EXPECT_EQ(error, "");
}

std::vector<float> Numbers(int64_t size, int rank) {
  std::vector<float> numbers(static_cast<size_t>(size));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(static_cast<float>(i * 7 + 1) * (1.f + rank));
  return numbers;
}

void ExpectClose(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance) {
  for (size_t i = 0; i < actual.size(); ++i)
    if (!(std::abs(actual[i] - expected[i]) <= tolerance))
      Fail("element ", i, " is ", actual[i], ", not ", expected[i]);
}

TEST(NcclOnGpus, SumsInOrderWithTheWorkOfTheDevice) {
  RunOnAll([](Communicator& ranks, Device device) {
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64}) {
      constexpr int64_t kSize = 100003;
      std::vector<double> sum(kSize);
      for (int rank = 0; rank < ranks.world(); ++rank) {
        const std::vector<float> part = Tensor::From(Numbers(kSize, rank), {kSize}).To(dtype).ToVector<float>();
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
      }
      std::vector<Tensor> all;
      std::vector<Work> works;
      for (int i = 0; i < 10; ++i) {
        // What the device does before and after the operation is queued, not waited for.
        const Tensor x = Tensor::From(Numbers(kSize, ranks.rank()), {kSize}, device).To(dtype);
        works.push_back(ranks.AllReduce(x));
        all.push_back(x);
      }
      for (Work& work : works) work.Wait();
      for (const Tensor& x : all)
        ExpectClose(x.Clone().ToVector<double>(), sum, dtype == DType::kBF16 ? 0.01 * ranks.world() : 1e-5);
      ranks.Check();
    }
  });
}

TEST(NcclOnGpus, AddsBF16InF32InTheOrderOfRanks) {
  RunOnAll([](Communicator& ranks, Device device) {
    for (const int64_t part : {1, 1001, 100000}) {
      const int64_t size = part * ranks.world();
      const auto of = [&](int rank) { return Tensor::From(Numbers(size, rank), {size}).To(DType::kBF16); };
      std::vector<float> sum = of(0).ToVector<float>();
      for (int rank = 1; rank < ranks.world(); ++rank) {
        const std::vector<float> other = of(rank).ToVector<float>();
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
      }
      const std::vector<double> expected = Tensor::From(sum, {size}).To(DType::kBF16).ToVector<double>();
      const Tensor x = of(ranks.rank()).To(device), in = x.Clone(), whole = Tensor::EmptyLike(x);
      const Tensor own = Tensor::Empty({part}, DType::kBF16, device);
      ranks.AllReduce(x).Wait();
      ranks.ReduceScatter(own, in).Wait();
      ranks.AllGather(whole, own).Wait();
      ExpectClose(x.ToVector<double>(), expected, 0);
      ExpectClose(whole.ToVector<double>(), expected, 0);
      ranks.Check();
    }
  });
}

TEST(NcclOnGpus, ScattersGathersAndBroadcasts) {
  RunOnAll([](Communicator& ranks, Device device) {
    const int64_t world = ranks.world(), size = 1001;
    const Tensor in = Tensor::From(Numbers(world * size, ranks.rank()), {world, size}, device), sum = in.Clone();
    const Tensor part = Tensor::Empty({1, size}, DType::kF32, device), whole = Tensor::EmptyLike(in);
    ranks.ReduceScatter(part, in).Wait();
    ranks.AllGather(whole, part).Wait();
    ranks.AllReduce(sum).Wait();
    ExpectClose(whole.ToVector<double>(), sum.ToVector<double>(), 1e-5);
    const int last = ranks.world() - 1;
    const Tensor x = Tensor::From(Numbers(size, ranks.rank()), {size}, device);
    ranks.Broadcast(x, last).Wait();
    ExpectClose(x.ToVector<double>(), Tensor::From(Numbers(size, last), {size}).ToVector<double>(), 0);
    ranks.Barrier();
  });
}

TEST(NcclOnGpus, KeepsTheMemoryOfItsTensors) {
  RunOnAll([](Communicator& ranks, Device device) {
    constexpr int64_t kSize = 1 << 20;
    for (int i = 0; i < 10; ++i) {
      Work work = ranks.AllReduce(Tensor::Full({kSize}, 1, DType::kF32, device));
      const Tensor other =
          Tensor::Full({kSize}, 7, DType::kF32, device);  // of the same size, as the allocator keeps them
      work.Wait();
      ExpectClose(other.ToVector<double>(), std::vector<double>(kSize, 7), 0);
    }
  });
}

}  // namespace
}  // namespace orbit
