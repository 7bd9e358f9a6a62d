// Devices: names, memory and its statistics, copies, and numbers read back. Runs on the emulator and, if there is one,
// on a GPU.
#include "engine/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/profiling.h"
#include "engine/readback.h"
#include "engine/tensor.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class DeviceTest : public testing::TestWithParam<Device> {};

TEST_P(DeviceTest, IsKnownByItsName) { EXPECT_EQ(ParseDevice(NameOf(GetParam())), GetParam()); }

TEST_P(DeviceTest, CopiesThereAndBack) {
  const std::vector<float> values = {1, -2, 3.5f};
  const Tensor there = Tensor::From(values, {3}, GetParam());
  EXPECT_EQ(there.ToVector<float>(), values);
  EXPECT_EQ(there.Clone().ToVector<float>(), values);
  EXPECT_EQ(there.To(Device{}).To(GetParam()).ToVector<float>(), values);
  there.Zero();
  EXPECT_EQ(there.ToVector<float>(), std::vector<float>(3, 0));
}

TEST_P(DeviceTest, FillsWithElementsOfEverySize) {
  for (const DType dtype : {DType::kU8, DType::kBF16, DType::kI32, DType::kF32, DType::kI64, DType::kF64})
    for (const int64_t size : {0, 1, 2, 33, 100003}) {
      const Tensor full = Tensor::Full({size}, 5, dtype, GetParam());
      EXPECT_EQ(full.ToVector<double>(), std::vector<double>(static_cast<size_t>(size), 5)) << full.Describe();
    }
}

TEST_P(DeviceTest, LargeCopiesArriveWhole) {
  std::vector<int32_t> values(5 << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 2654435761u);
  const Tensor there = Tensor::From(values, {static_cast<int64_t>(values.size())}, GetParam());
  EXPECT_EQ(there.ToVector<int32_t>(), values);
}

TEST_P(DeviceTest, WhatTheHostCopiesFromMayChangeAtOnce) {
  std::vector<int32_t> values(1000);
  std::vector<Tensor> copies;
  for (int i = 0; i < 600; ++i) {
    std::fill(values.begin(), values.end(), i);
    copies.push_back(Tensor::From(values, {1000}, GetParam()));
  }
  for (int i = 0; i < 600; ++i) ASSERT_EQ(copies[i].ToVector<int32_t>()[999], i);
}

TEST_P(DeviceTest, MemoryIsReused) {
  const Device device = GetParam();
  const auto step = [&] {
    const Tensor a = Tensor::Empty({1000}, DType::kF32, device), b = Tensor::Empty({77, 3}, DType::kF64, device);
  };
  const MemoryStatistics before = GetMemoryStatistics(device);
  step();
  const MemoryStatistics once = GetMemoryStatistics(device);
  step();
  const MemoryStatistics twice = GetMemoryStatistics(device);
  EXPECT_EQ(twice.system_allocations, once.system_allocations);
  EXPECT_EQ(twice.bytes_reserved, once.bytes_reserved);
  EXPECT_EQ(twice.bytes_in_use, before.bytes_in_use);
  EXPECT_GE(once.peak_bytes_in_use, before.bytes_in_use + 4000 + 77 * 3 * 8);
}

TEST_P(DeviceTest, OutOfMemoryTellsWhatHoldsIt) {
  const Tensor held = Tensor::Empty({3 << 20}, DType::kU8, GetParam());
  const ProfileRange outer("step"), inner("forward");
  EXPECT_THAT(
      [&] { Tensor::Empty({int64_t{1} << 46}, DType::kU8, GetParam()); },
      ThrowsMessage<Error>(AllOf(HasSubstr("out of memory on " + NameOf(GetParam())), HasSubstr("in step > forward"),
                                 HasSubstr("asked for 70368744177664 bytes"), HasSubstr("3 MiB"))));
  EXPECT_EQ(held.Rows(0, 1).size(), 1);
}

TEST_P(DeviceTest, NumbersAreReadBackWithoutWaitingForWhatComesAfter) {
  const Device device = GetParam();
  const Tensor a = Tensor::Full({}, 1.5, DType::kF32, device), b = Tensor::Full({1}, -2, DType::kF64, device),
               host = Tensor::Full({}, 7, DType::kF64);
  const int64_t waited = SynchronizationCount(device);
  const Readback numbers({a, host, b});
  a.Zero();
  EXPECT_EQ(numbers.Get()[0], 1.5);
  EXPECT_EQ(numbers.Get()[1], 7);
  EXPECT_EQ(numbers.Get()[2], -2);
  EXPECT_EQ(SynchronizationCount(device), waited);
  if (device == Device{}) return;
  a.Item();
  EXPECT_EQ(SynchronizationCount(device), waited + 1);
}

std::vector<Device> All() {
  std::vector<Device> devices = {Device{}, {DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}
INSTANTIATE_TEST_SUITE_P(Devices, DeviceTest, testing::ValuesIn(All()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

TEST(Device, UnknownAndAbsentOnesAreRefused) {
  EXPECT_THAT([] { ParseDevice("gpu"); }, ThrowsMessage<Error>(HasSubstr("unknown device 'gpu'")));
  EXPECT_THAT([] { ParseDevice("cuda:x"); }, ThrowsMessage<Error>(HasSubstr("'cuda:x' is no device")));
  EXPECT_THAT([] { ParseDevice("cuda:999"); }, ThrowsMessage<Error>(HasSubstr("no cuda:999 here: ")));
  std::string reason;
  const bool none = CudaDevices(&reason).empty();
  EXPECT_EQ(none, !reason.empty()) << reason;
}

TEST(SimtDeathTest, TheHostCannotReachTheEmulatorsMemory) {
  const Tensor there = Tensor::Zeros({4}, DType::kF32, {DeviceType::kSimt});
  EXPECT_DEATH(std::printf("%f", there.data<float>()[0]), "");
}

TEST(ProfileRange, RangesNest) {
  EXPECT_EQ(ProfileRange::Current(), "");
  const ProfileRange outer("a");
  {
    const ProfileRange inner("b");
    EXPECT_EQ(ProfileRange::Current(), "a > b");
  }
  EXPECT_EQ(ProfileRange::Current(), "a");
}

}  // namespace
}  // namespace orbit
