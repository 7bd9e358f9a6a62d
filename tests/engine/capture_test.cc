// Captured work: each launch does it, on the current contents of memory; its memory is not given to others; operations
// that it cannot contain are rejected by name. Runs on the emulator and, if there is one, on a GPU.
#include "engine/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/reduce.h"
#include "engine/profiling.h"
#include "engine/random.h"
#include "engine/readback.h"
#include "engine/step_graph.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Floats = std::vector<float>;

class Capture : public testing::TestWithParam<Device> {
 protected:
  const Device device_ = GetParam();

  Tensor There(const Floats& values) const {
    return Tensor::From(values, {static_cast<int64_t>(values.size())}, device_);
  }

  // Captures work after it has run once, because a GPU's libraries and kernels are loaded on first use.
  CapturedWork CaptureWarm(const std::function<void()>& work) const {
    work();
    return CapturedWork(device_, work);
  }
};

TEST_P(Capture, WorkIsDoneWithEachLaunchOnWhatIsThenThere) {
  const Tensor x = There({1, 2, 3, 4}), y = There({0, 0, 0, 0}), copy = There({0, 0, 0, 0});
  const auto compute = [&] {
    y.CopyFrom(Add(Scale(x, 2), Tensor::Full({4}, 1, DType::kF32, device_)).value());
    copy.CopyFrom(MatMul(x.Reshape({2, 2}), x.Reshape({2, 2})).value().Reshape({4}));
    x.Zero();
  };
  compute();
  x.CopyFrom(There({1, 2, 3, 4}));
  y.Zero();
  CapturedWork work(device_, compute);
  EXPECT_GE(work.size(), 5);
  EXPECT_EQ(y.ToVector<float>(), Floats({0, 0, 0, 0}));
  EXPECT_EQ(x.ToVector<float>(), Floats({1, 2, 3, 4}));
  work.Launch();
  EXPECT_EQ(y.ToVector<float>(), Floats({3, 5, 7, 9}));
  EXPECT_EQ(copy.ToVector<float>(), Floats({7, 10, 15, 22}));
  work.Launch();
  EXPECT_EQ(y.ToVector<float>(), Floats({1, 1, 1, 1}));
  x.CopyFrom(There({1, 1, 1, 1}));
  work.Launch();
  EXPECT_EQ(y.ToVector<float>(), Floats({3, 3, 3, 3}));
  EXPECT_EQ(copy.ToVector<float>(), Floats({2, 2, 2, 2}));
}

TEST_P(Capture, ANumberOfTheHostStaysWhatItWas) {
  const Tensor x = There({1});
  double factor = 2;
  CapturedWork work = CaptureWarm([&] { x.CopyFrom(Scale(x, factor).value()); });
  factor = 3;
  work.Launch();
  EXPECT_EQ(x.Item(), 4);
}

TEST_P(Capture, EffectsOnTheHostComeWithEachLaunch) {
  int count = 0;
  const auto effect = [&] { ++count; };
  OnLaunch(device_, effect);
  EXPECT_EQ(count, 1);
  CapturedWork work(device_, [&] { OnLaunch(device_, effect); });
  EXPECT_EQ(count, 1);
  work.Launch();
  work.Launch();
  EXPECT_EQ(count, 3);
}

TEST_P(Capture, ItsMemoryIsNobodyElses) {
  const Tensor result = There({0, 0});
  const int64_t before = GetMemoryStatistics(device_).bytes_in_use;
  {
    // Intermediate results, and tensors from before, are freed although the captured work uses them.
    Tensor x = There({1, 2});
    CapturedWork work = CaptureWarm([&] {
      const Variable twice = Scale(x, 2), more = Scale(twice, 5);
      result.CopyFrom(Add(twice, more).value());
    });
    x = {};
    EXPECT_GT(GetMemoryStatistics(device_).bytes_in_use, before);
    for (int i = 0; i < 3; ++i) {
      std::vector<Tensor> others;
      for (int k = 0; k < 50; ++k) others.push_back(Tensor::Full({2}, -1, DType::kF32, device_));
      work.Launch();
      EXPECT_EQ(result.ToVector<float>(), Floats({12, 24}));
      for (const Tensor& other : others) ASSERT_EQ(other.ToVector<float>(), Floats({-1, -1}));
    }
  }
  EXPECT_EQ(GetMemoryStatistics(device_).bytes_in_use, before);
  const int64_t obtained = GetMemoryStatistics(device_).system_allocations;
  There({1, 2});
  EXPECT_EQ(GetMemoryStatistics(device_).system_allocations, obtained);
}

TEST_P(Capture, ItReusesItsMemory) {
  const Tensor x = Tensor::Full({1 << 16}, 1, DType::kF32, device_);
  const int64_t before = GetMemoryStatistics(device_).bytes_in_use;
  const CapturedWork work = CaptureWarm([&] {
    for (int i = 0; i < 20; ++i) x.CopyFrom(Scale(x, 2).value());
  });
  EXPECT_GE(work.size(), 40);
  EXPECT_LE(GetMemoryStatistics(device_).bytes_in_use, before + 2 * x.bytes());
}

TEST_P(Capture, ResultsOutliveTheWork) {
  Tensor result;
  auto work = std::make_unique<CapturedWork>(device_, [&] { result = Tensor::Full({3}, 7, DType::kF32, device_); });
  work->Launch();
  work.reset();
  const Tensor other = Tensor::Zeros({3}, DType::kF32, device_);
  EXPECT_EQ(result.ToVector<float>(), Floats({7, 7, 7}));
}

TEST_P(Capture, TwoOfThemKeepApart) {
  Tensor first, second;
  CapturedWork one = CaptureWarm([&] { first = Scale(Tensor::Full({2}, 1, DType::kF32, device_), 10).value(); });
  auto two = std::make_unique<CapturedWork>(device_, [&] { second = Scale(first, 2).value(); });
  two->Launch();
  one.Launch();
  EXPECT_EQ(first.ToVector<float>(), Floats({10, 10}));
  two->Launch();
  EXPECT_EQ(second.ToVector<float>(), Floats({20, 20}));
  two.reset();
  one.Launch();
  EXPECT_EQ(second.ToVector<float>(), Floats({20, 20}));
}

TEST_P(Capture, WhatCannotBePartOfItIsRefusedByName) {
  const Tensor x = There({1, 2});
  const auto refused = [&](const std::string& what, const std::function<void()>& work) {
    const auto capture = [&] {
      const ProfileRange outer("step"), inner("forward");
      CapturedWork captured(device_, work);
    };
    EXPECT_THAT(capture,
                ThrowsMessage<Error>(HasSubstr(what + " in step > forward: captured work on " + NameOf(device_))));
    EXPECT_EQ(Scale(x, 2).value().ToVector<float>(), Floats({2, 4})) << "afterwards nothing is captured";
  };
  refused("a copy from the host", [&] { There({1}); });
  refused("a copy from the device", [&] { x.ToVector<float>(); });
  refused("a copy from the device", [&] { x.To(DType::kI32); });
  refused("a wait for the device", [&] { Synchronize(device_); });
  refused("a readback", [&] { Readback({x.Rows(0, 1).Reshape({})}); });
  refused("timing", [&] { TimeOn(device_, [] {}); });
  refused("a capture", [&] { CapturedWork(device_, [] {}); });
  EXPECT_THAT([&] { CapturedWork(device_, [] { Fail("its own"); }); }, ThrowsMessage<Error>(HasSubstr("its own")));
}

TEST_P(Capture, TheHostIsNotCaptured) {
  EXPECT_FALSE(CanCapture(Device{}));
  EXPECT_THAT([] { CapturedWork(Device{}, [] {}); }, ThrowsMessage<Error>(HasSubstr("work on cpu cannot be captured")));
}

// ---- StepGraph ----

// Steps that add random numbers and their input to a sum, for three shapes.
std::vector<Floats> Sums(Device device, bool capture, bool from_another_generator = false) {
  const Tensor sum = Tensor::Zeros({5}, DType::kF32, device);
  Generator generator(3, (uint64_t{1} << 56) + 1), other(4);
  StepGraph step(device, capture, [&](const std::vector<Tensor>& inputs, Generator& given) -> std::vector<Tensor> {
    Generator& g = from_another_generator ? other : given;
    const Tensor drawn =
        Add(g.Uniform({5}, 0, 1, DType::kF32, device), g.Normal({5}, 0, 1, DType::kF32, device)).value();
    const Variable x = Mean(inputs[0].To(device).Reshape({-1, 1}), {0});
    sum.CopyFrom(Add(Add(sum, drawn), x).value());
    return {sum.Clone()};
  });
  std::vector<Floats> sums;
  for (const int64_t size : {4, 4, 4, 4, 4, 7, 7, 7, 7, 4, 4, 4, 4}) {
    const Tensor input = Tensor::Full({size}, static_cast<double>(sums.size()), DType::kF32);
    sums.push_back(step.Run({input}, generator)[0].ToVector<float>());
    EXPECT_EQ(generator.stream(),
              from_another_generator ? (uint64_t{1} << 56) + 1 : (uint64_t{1} << 56) + 1 + 2 * sums.size());
  }
  EXPECT_EQ(step.size() > 0, capture);
  return sums;
}

TEST_P(Capture, StepsGiveTheBitsOfThoseThatAreNotCaptured) { EXPECT_EQ(Sums(device_, true), Sums(device_, false)); }

// The tests of whole models rely on this: random numbers that do not come from the given generator are drawn again in
// every step, on the emulator as on a GPU.
TEST_P(Capture, RandomNumbersOfAnotherGeneratorAreDrawnAgain) {
  const std::vector<Floats> captured = Sums(device_, true, true), expected = Sums(device_, false, true);
  EXPECT_EQ(captured[StepGraph::kWarmUp], expected[StepGraph::kWarmUp]);
  EXPECT_NE(captured[StepGraph::kWarmUp + 1], expected[StepGraph::kWarmUp + 1]);
}

TEST_P(Capture, AGeneratorOfCapturedStepsDrawsOnTheirDeviceAlone) {
  StepGraph step(device_, true, [&](const std::vector<Tensor>&, Generator& generator) -> std::vector<Tensor> {
    return {generator.Uniform({5}, 0, 1)};
  });
  Generator generator(0);
  for (int i = 0; i < StepGraph::kWarmUp; ++i) step.Run({}, generator);
  EXPECT_THAT([&] { step.Run({}, generator); }, ThrowsMessage<Error>(HasSubstr("random numbers on cpu")));
}

std::vector<Device> Devices() {
  std::vector<Device> devices = {{DeviceType::kSimt}};
  for (const Device& gpu : CudaDevices()) devices.push_back(gpu);
  return devices;
}
INSTANTIATE_TEST_SUITE_P(Devices, Capture, testing::ValuesIn(Devices()),
                         [](const auto& info) { return NameOf(info.param).substr(0, 4) + std::to_string(info.index); });

}  // namespace
}  // namespace orbit
