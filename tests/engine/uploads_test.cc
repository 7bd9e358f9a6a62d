// Uploads arrive whole and in order, beside the device's kernels. Runs on the host, on the emulator and, if there is
// one, on a GPU.
#include "engine/uploads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <numeric>
#include <thread>

#include "engine/capture.h"
#include "engine/ops/elementwise.h"
#include "engine/simt_queue.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr Device kSimt = {DeviceType::kSimt};

class UploadsTest : public testing::TestWithParam<Device> {
 protected:
  const Device device_ = GetParam();
};

std::vector<float> Count(int64_t size, float first) {
  std::vector<float> values(static_cast<size_t>(size));
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST_P(UploadsTest, ArriveAsTheyWereAtTheCall) {
  Uploads uploads(device_);
  EXPECT_FALSE(uploads.Copy({}).defined());
  std::vector<Tensor> copies;
  std::shared_ptr<Mark> copied;
  // Made by a thread of its own, as a loader is.
  std::thread([&] {
    for (int i = 0; i < 40; ++i) {
      const int64_t size = i * i * 300;
      const Tensor host = Tensor::From(Count(size, static_cast<float>(i)), {size});
      copies.push_back(uploads.Copy(host));
      copied = uploads.Record();
      if (device_ != Device{}) host.Zero();
    }
  }).join();
  if (copied) copied->HoldKernels();
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(copies[i].device(), device_);
    ASSERT_EQ(Scale(copies[i], 1).value().ToVector<float>(), Count(copies[i].size(), static_cast<float>(i)));
    ASSERT_TRUE(uploads.Copy(copies[i]).SharesStorageWith(copies[i]));
  }
}

TEST_P(UploadsTest, WriteMemoryThatWasUsedBeforeAfterItsUse) {
  Uploads uploads(device_);
  for (int i = 0; i < 50; ++i) {
    Tensor before = Tensor::Full({1 << 14}, i, DType::kF32, device_);
    const Tensor twice = Scale(before, 2).value();
    before = {};
    const Tensor there = uploads.Copy(Tensor::Full({1 << 14}, -1));
    const std::shared_ptr<Mark> copied = uploads.Record();
    EXPECT_EQ(twice.ToVector<float>(), std::vector<float>(1 << 14, static_cast<float>(2 * i)));
    if (copied) copied->HoldKernels();
    EXPECT_EQ(there.ToVector<float>(), std::vector<float>(1 << 14, -1));
  }
}

TEST_P(UploadsTest, AreNoPartOfCapturedWork) {
  if (!CanCapture(device_)) return;
  Uploads uploads(device_);
  EXPECT_THAT([&] { CapturedWork(device_, [&] { uploads.Copy(Tensor::Zeros({3})); }); },
              ThrowsMessage<Error>(HasSubstr("an upload: captured work")));
}

std::vector<Device> Devices() {
  std::vector<Device> devices = {Device{}, kSimt};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}
INSTANTIATE_TEST_SUITE_P(Devices, UploadsTest, testing::ValuesIn(Devices()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

// ---- On a queue that is held up ----

// The host memory of a copy, and a queue of the emulator that goes on when it is told to.
struct Held {
  Held() {
    static_cast<SimtStream*>(queue->handle())->Submit([until = go.get_future().share()] { until.wait(); });
  }
  std::promise<void> go;
  const std::unique_ptr<SideQueue> queue = BackendOf(DeviceType::kSimt).MakeSideQueue(0);
};

TEST(SimtQueue, KernelsRunBesideACopyUntilTheyAreHeld) {
  Held held;
  const Tensor there = Tensor::Zeros({2}, DType::kF32, kSimt), other = Tensor::Full({2}, 3, DType::kF32, kSimt);
  std::vector<float> host = {5, 6};
  held.queue->AfterKernels();
  held.queue->CopyFromHost(there.raw(), host.data(), 8);
  host = {0, 0};
  const std::unique_ptr<Mark> copied = held.queue->Record();
  EXPECT_EQ(Scale(other, 2).value().ToVector<float>(), (std::vector<float>{6, 6}));
  EXPECT_FALSE(copied->Reached());
  EXPECT_EQ(there.ToVector<float>(), (std::vector<float>{0, 0}));
  held.go.set_value();
  copied->HoldKernels();
  EXPECT_TRUE(copied->Reached());
  EXPECT_EQ(Scale(there, 2).value().ToVector<float>(), (std::vector<float>{10, 12}));
}

TEST(SimtQueue, MemoryOfCopiesThatNobodyReadsIsNobodyElsesBeforeTheyAreDone) {
  const int64_t before = GetMemoryStatistics(kSimt).bytes_in_use;
  {
    Uploads uploads(kSimt);
    for (int i = 0; i < 3; ++i) uploads.Copy(Tensor::Full({1 << 20}, 7));
    EXPECT_GE(GetMemoryStatistics(kSimt).bytes_in_use, before + (3 << 22));
    uploads.Record()->HoldKernels();
    uploads.Record();
    EXPECT_EQ(GetMemoryStatistics(kSimt).bytes_in_use, before);
    uploads.Copy(Tensor::Full({1 << 20}, 7));
  }
  EXPECT_EQ(GetMemoryStatistics(kSimt).bytes_in_use, before);
}

}  // namespace
}  // namespace orbit
