// What every implementation of Communicator does, with 1, 2 and 3 ranks.
#include "engine/distributed/communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/distributed/make_communicator.h"
#include "kernels/error.h"
#include "tests/engine/distributed/run_ranks.h"

namespace orbit {
namespace {

using testing::HasSubstr;

constexpr double kDeadline = 2;  // of tests in which ranks are lost

struct Implementation {
  std::string name, library;
  int world;
  Device device;
};

std::ostream& operator<<(std::ostream& out, const Implementation& one) { return out << one.name; }

using Function = std::function<std::string(Communicator&)>;

class CommunicatorTest : public testing::TestWithParam<Implementation> {
 protected:
  std::vector<RankResult> Run(const Function& rank, double deadline = 20) const {
    CommunicatorOptions options;
    options.library = GetParam().library;
    options.deadline = deadline;
    return RunRanks(world(), options, device(), rank);
  }
  // All ranks end well and return the same.
  void ExpectSameOutput(const Function& rank) const {
    const std::vector<RankResult> results = Run(rank);
    for (const RankResult& result : results) {
      EXPECT_EQ(result.status, 0) << result.output;
      EXPECT_EQ(result.output, results[0].output);
    }
  }
  int world() const { return GetParam().world; }
  Device device() const { return GetParam().device; }
};

// Numbers without a pattern, of magnitudes from 1e-3 to 1e3 or, of integers, up to 30; another for every rank.
std::vector<double> Numbers(int64_t size, int rank, DType dtype) {
  std::vector<double> numbers(static_cast<size_t>(size));
  uint64_t state = 88172645463325252u + static_cast<uint64_t>(rank) * 7919;
  for (double& number : numbers) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    const double uniform = static_cast<double>(state % 100003) / 100003;
    number = IsFloating(dtype) ? std::pow(10, 6 * uniform - 3) * (state % 2 ? 1 : -1) : std::floor(30 * uniform);
  }
  return numbers;
}

Tensor MakeTensor(const std::vector<double>& numbers, DType dtype, Device device) {
  return Tensor::From(numbers, {static_cast<int64_t>(numbers.size())}).To(dtype).To(device);
}

std::string Bits(const Tensor& tensor) {
  const Tensor host = tensor.To(Device{});
  return tensor.size() == 0 ? "" : std::string(static_cast<const char*>(host.raw()), static_cast<size_t>(host.bytes()));
}

// A short text that differs where the contents do.
std::string Digest(const std::string& bytes) { return std::to_string(std::hash<std::string>()(bytes)) + " "; }

constexpr DType kDTypes[] = {DType::kF32, DType::kBF16, DType::kF64, DType::kI32, DType::kI64, DType::kU8};
constexpr int64_t kSizes[] = {0, 1, 2, 7, 1000, 10007};

TEST_P(CommunicatorTest, KnowsTheRanks) {
  const std::vector<RankResult> results = Run([](Communicator& communicator) {
    std::ostringstream text;
    text << communicator.rank() << ' ' << communicator.world() << ' ' << communicator.local_rank();
    return text.str();
  });
  for (int rank = 0; rank < world(); ++rank) {
    const std::string text = std::to_string(rank);
    EXPECT_EQ(results[rank].output, text + ' ' + std::to_string(world()) + ' ' + text);
  }
}

TEST_P(CommunicatorTest, AllReduceSumsToTheSameBitsOnAllRanks) {
  const Function sum = [this](Communicator& communicator) {
    std::string digest;
    for (const DType dtype : kDTypes)
      for (const int64_t size : kSizes) {
        const Tensor x = MakeTensor(Numbers(size, communicator.rank(), dtype), dtype, device());
        communicator.AllReduce(x).Wait();
        std::vector<double> expected(static_cast<size_t>(size)), magnitude(static_cast<size_t>(size));
        for (int rank = 0; rank < world(); ++rank) {
          const std::vector<double> part = MakeTensor(Numbers(size, rank, dtype), dtype, {}).ToVector<double>();
          for (size_t i = 0; i < part.size(); ++i) expected[i] += part[i], magnitude[i] += std::abs(part[i]);
        }
        const std::vector<double> actual = x.ToVector<double>();
        for (size_t i = 0; i < actual.size(); ++i) {
          // f32's rounding of every addition, and bf16's of the result.
          const double error = dtype == DType::kBF16  ? std::abs(expected[i]) / 256 + magnitude[i] * 1e-6
                               : dtype == DType::kF32 ? magnitude[i] * 1e-6
                                                      : magnitude[i] * 1e-14;
          if (!(std::abs(actual[i] - expected[i]) <= error))
            Fail(x.Describe(), ": element ", i, " is ", actual[i], ", not ", expected[i]);
        }
        digest += Digest(Bits(x));
      }
    return digest;
  };
  ExpectSameOutput(sum);
  EXPECT_EQ(Run(sum)[0].output, Run(sum)[0].output);
}

TEST_P(CommunicatorTest, AllReduceOfBF16RoundsOnce) {
  ExpectSameOutput([this](Communicator& communicator) {
    // Beside 256 every single 1 would be rounded away.
    const Tensor x = MakeTensor({communicator.rank() == 0 ? 256. : 1.}, DType::kBF16, device());
    communicator.AllReduce(x).Wait();
    const double expected = ToFloat(ToBFloat16(255.f + static_cast<float>(world())));
    Check(x.Item() == expected, x.Item(), " is not ", expected);
    const int64_t before = communicator.statistics().bytes_sent;
    communicator.AllReduce(Tensor::Zeros({6000}, DType::kBF16, device())).Wait();
    const int64_t sent = communicator.statistics().bytes_sent - before;
    const int64_t ring = 2 * 6000 * SizeOf(DType::kBF16) * (world() - 1) / world();
    Check(sent == ring, sent, " bytes, not ", ring);
    return std::string();
  });
}

TEST_P(CommunicatorTest, AllReduceOfBF16AddsInTheOrderOfRanks) {
  ExpectSameOutput([this](Communicator& communicator) {
    for (const int64_t size : {int64_t{1}, int64_t{1000}, int64_t{10007}, int64_t{300000}}) {
      const auto part = [&](int rank) { return MakeTensor(Numbers(size, rank, DType::kBF16), DType::kBF16, {}); };
      std::vector<float> sum = part(0).ToVector<float>();
      for (int rank = 1; rank < world(); ++rank) {
        const std::vector<float> other = part(rank).ToVector<float>();
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
      }
      const Tensor x = part(communicator.rank()).To(device());
      communicator.AllReduce(x).Wait();
      Check(Bits(x) == Bits(Tensor::From(sum, {size}).To(DType::kBF16)), x.Describe(), " has other bits");
    }
    return std::string();
  });
}

TEST_P(CommunicatorTest, AllReduceTakesMinimaAndMaxima) {
  ExpectSameOutput([this](Communicator& communicator) {
    for (const DType dtype : kDTypes) {
      const double rank = communicator.rank();
      const Tensor least = MakeTensor({rank, 5 - rank, 3}, dtype, device()), most = least.Clone();
      communicator.AllReduce(least, ReduceOp::kMin).Wait();
      communicator.AllReduce(most, ReduceOp::kMax).Wait();
      const double last = world() - 1;
      Check(least.ToVector<double>() == std::vector<double>{0, 5 - last, 3}, "minimum of ", NameOf(dtype));
      Check(most.ToVector<double>() == std::vector<double>{last, 5, 3}, "maximum of ", NameOf(dtype));
    }
    return std::string();
  });
}

TEST_P(CommunicatorTest, BroadcastTakesThatOfTheRoot) {
  ExpectSameOutput([this](Communicator& communicator) {
    std::string digest;
    for (const DType dtype : kDTypes)
      for (const int64_t size : kSizes)
        for (int root = 0; root < world(); ++root) {
          const Tensor x = MakeTensor(Numbers(size, communicator.rank(), dtype), dtype, device());
          communicator.Broadcast(x, root).Wait();
          Check(Bits(x) == Bits(MakeTensor(Numbers(size, root, dtype), dtype, {})), x.Describe(), " from ", root);
        }
    return digest;
  });
}

TEST_P(CommunicatorTest, AllGatherPutsTheRanksPartsInOrder) {
  ExpectSameOutput([this](Communicator& communicator) {
    for (const DType dtype : kDTypes)
      for (const int64_t size : kSizes)
        for (const bool in_place : {false, true}) {
          const int rank = communicator.rank();
          const Tensor out = Tensor::Zeros({world(), size}, dtype, device());
          const Tensor in = in_place ? out.Rows(rank, rank + 1) : Tensor::Empty({1, size}, dtype, device());
          in.CopyFrom(MakeTensor(Numbers(size, rank, dtype), dtype, {}).Reshape({1, size}));
          communicator.AllGather(out, in).Wait();
          for (int other = 0; other < world(); ++other)
            Check(Bits(out.Rows(other, other + 1)) == Bits(MakeTensor(Numbers(size, other, dtype), dtype, {})),
                  out.Describe(), ", part ", other);
        }
    return std::string();
  });
}

TEST_P(CommunicatorTest, ReduceScatterAndAllGatherHaveTheBitsOfAllReduce) {
  ExpectSameOutput([this](Communicator& communicator) {
    for (const DType dtype : kDTypes)
      for (const int64_t size : kSizes)
        for (const bool in_place : {false, true}) {
          const int rank = communicator.rank();
          const Tensor in = MakeTensor(Numbers(size * world(), rank, dtype), dtype, device()).Reshape({world(), size});
          const Tensor sum = in.Clone(), before = in.Clone();
          const Tensor out = in_place ? in.Rows(rank, rank + 1) : Tensor::Empty({1, size}, dtype, device());
          communicator.ReduceScatter(out, in).Wait();
          for (int other = 0; other < world(); ++other)
            Check((in_place && other == rank) || Bits(in.Rows(other, other + 1)) == Bits(before.Rows(other, other + 1)),
                  "part ", other, " of the input has changed");
          const Tensor whole = Tensor::Empty({world(), size}, dtype, device());
          communicator.AllGather(whole, out).Wait();
          communicator.AllReduce(sum).Wait();
          Check(Bits(whole) == Bits(sum), in.Describe(), " differs");
        }
    return std::string();
  });
}

TEST_P(CommunicatorTest, OperationsRunBesideEachOtherAndTheRanksWork) {
  ExpectSameOutput([this](Communicator& communicator) {
    std::vector<Tensor> tensors;
    std::vector<Work> works;
    for (int i = 0; i < 20; ++i) {
      tensors.push_back(Tensor::Full({1000 + i}, communicator.rank() + i, DType::kF32, device()));
      works.push_back(communicator.AllReduce(tensors.back()));
      if (i % 5 == communicator.rank()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (int i = 19; i >= 0; --i) works[i].Wait();
    works[3].Wait();  // once more
    const double ranks = world() * (world() - 1) / 2.0;
    for (int i = 0; i < 20; ++i)
      Check(tensors[i].ToVector<double>() == std::vector<double>(static_cast<size_t>(1000 + i), ranks + world() * i),
            i);
    const CommunicationStatistics statistics = communicator.statistics();
    Check(statistics.operations == 20, statistics.operations, " operations");
    // A ring sends 2 (n - 1) / n of the bytes.
    int64_t bytes = 0;
    for (const Tensor& tensor : tensors) bytes += tensor.bytes();
    const double minimum = 2.0 * (world() - 1) / world() * static_cast<double>(bytes);
    Check(std::abs(static_cast<double>(statistics.bytes_sent) - minimum) <= 20 * 4.0 * world(), statistics.bytes_sent,
          " bytes, not ", minimum);
    return std::string();
  });
}

TEST_P(CommunicatorTest, BarrierHoldsUntilAllHaveCome) {
  const auto now = [] { return std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()); };
  const std::vector<RankResult> results = Run([&](Communicator& communicator) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50 * communicator.rank()));
    const std::string come = now();
    communicator.Barrier();
    return come + ' ' + now();
  });
  int64_t last_come = 0, first_gone = std::numeric_limits<int64_t>::max();
  for (const RankResult& result : results) {
    std::istringstream text(result.output);
    int64_t come = 0, gone = 0;
    text >> come >> gone;
    last_come = std::max(last_come, come);
    first_gone = std::min(first_gone, gone);
  }
  EXPECT_LE(last_come, first_gone);
}

TEST_P(CommunicatorTest, RefusesWhatDoesNotFit) {
  ExpectSameOutput([this](Communicator& communicator) {
    const Tensor x = Tensor::Zeros({3}, DType::kF32, device());
    std::string messages;
    const auto expect_error = [&](const auto& function) {
      try {
        function();
      } catch (const Error& error) {
        messages += error.what();
        return;
      }
      Fail("there was no error");
    };
    expect_error([&] { communicator.Broadcast(x, world()); });
    expect_error([&] { communicator.AllGather(Tensor::Zeros({3 * world() + 1}, DType::kF32, device()), x); });
    expect_error([&] { communicator.ReduceScatter(x, Tensor::Zeros({3 * world()}, DType::kF64, device())); });
    communicator.AllReduce(x).Wait();  // the others still wait for this one
    return messages;
  });
}

// Ranks that are lost. Rank 1 is; the others have to end within the deadline, with a message that names it.
class LossTest : public CommunicatorTest {
 protected:
  // Runs some steps, rank 1 does `lost` instead of the fifth, and returns the others' results.
  std::vector<RankResult> RunUntilLost(const Function& lost) const {
    std::vector<RankResult> results = Run(
        [&](Communicator& communicator) {
          const Tensor x = Tensor::Full({1000}, 1, DType::kF32, device());
          for (int step = 1; step <= 100; ++step) {
            communicator.SetContext("step " + std::to_string(step));
            if (step == 5 && communicator.rank() == 1) {
              usleep(50'000);  // the others have come to it
              return lost(communicator);
            }
            communicator.AllReduce(x).Wait();
            communicator.Barrier();  // on the host
          }
          return std::string("was not ended");
        },
        kDeadline);
    for (int rank = 0; rank < world(); ++rank) {
      if (rank == 1) continue;
      EXPECT_EQ(results[rank].status, 1) << results[rank].output;
      EXPECT_THAT(results[rank].output, HasSubstr("rank 1 on "));
      EXPECT_THAT(results[rank].output, HasSubstr("step 5, all-reduce 9 of 1000 f32: "));
    }
    return results;
  }
};

TEST_P(LossTest, OfARankThatEnds) {
  const std::vector<RankResult> results = RunUntilLost([](Communicator&) -> std::string { _exit(9); });
  for (const RankResult& result : results) {
    EXPECT_LT(result.seconds, kDeadline / 2) << "an end is seen at once";
    if (&result == &results[1]) continue;
    EXPECT_THAT(result.output, HasSubstr("has ended unexpectedly; it was in step 5, at barrier 8"));
  }
}

TEST_P(LossTest, OfARankThatIsKilled) {
  RunUntilLost([](Communicator&) -> std::string {
    kill(getpid(), SIGKILL);
    return "";
  });
}

TEST_P(LossTest, OfARankThatIsKilledWhileTheOthersSend) {
  const std::vector<RankResult> results = Run(
      [&](Communicator& communicator) {
        const Tensor x = Tensor::Full({1 << 22}, 1, DType::kF32, device());
        for (int step = 1; step <= 100; ++step) {
          Work work = communicator.AllReduce(x);
          if (communicator.rank() == 1 && step == 3) kill(getpid(), SIGKILL);
          work.Wait();
          communicator.Check();
        }
        return std::string("was not ended");
      },
      5 * kDeadline);
  for (int rank = 0; rank < world(); ++rank) {
    if (rank == 1) continue;
    EXPECT_EQ(results[rank].status, 1) << results[rank].output;
    EXPECT_THAT(results[rank].output, HasSubstr("has ended unexpectedly"));
  }
}

TEST_P(LossTest, OfARankThatIsStopped) {
  const std::vector<RankResult> results = RunUntilLost([](Communicator&) -> std::string {
    const pid_t stopped = getpid();
    if (fork() == 0) {  // lets it go on when the others have ended
      usleep(static_cast<unsigned>(1.5 * kDeadline * 1e6));
      kill(stopped, SIGCONT);
      _exit(0);
    }
    kill(stopped, SIGSTOP);
    return "went on";
  });
  for (const RankResult& result : results) {
    if (&result == &results[1]) continue;
    EXPECT_LT(result.seconds, 1.3 * kDeadline);
    EXPECT_THAT(result.output, HasSubstr("silent for"));
  }
}

TEST_P(LossTest, OfARankThatNeverComes) {
  const std::vector<RankResult> results = RunUntilLost([](Communicator&) {
    usleep(static_cast<unsigned>(1.5 * kDeadline * 1e6));
    return std::string("slept");
  });
  for (const RankResult& result : results) {
    if (&result == &results[1]) continue;
    EXPECT_LT(result.seconds, 1.3 * kDeadline);
    EXPECT_THAT(result.output, HasSubstr("has not come to it, it was in step 5, at barrier 8"));
  }
}

TEST_P(LossTest, OfARankThatAborts) {
  const std::vector<RankResult> results = RunUntilLost([](Communicator& communicator) {
    communicator.Abort("the loss is not finite");
    return std::string("aborted");
  });
  for (const RankResult& result : results) {
    EXPECT_LT(result.seconds, kDeadline / 2);
    if (&result == &results[1]) continue;
    EXPECT_THAT(result.output, HasSubstr("step 5: the loss is not finite"));
  }
}

TEST_P(LossTest, OfARankThatThrows) {
  const std::vector<RankResult> results =
      RunUntilLost([](Communicator&) -> std::string { throw Error("the disk is full"); });
  for (const RankResult& result : results) EXPECT_LT(result.seconds, kDeadline / 2);
  EXPECT_EQ(results[1].output, "the disk is full");
}

TEST_P(LossTest, OfARankThatLeavesEarly) {
  const std::vector<RankResult> results = RunUntilLost([](Communicator&) { return std::string("left"); });
  for (const RankResult& result : results) {
    EXPECT_LT(result.seconds, kDeadline / 2);
    if (&result == &results[1]) continue;
    EXPECT_THAT(result.output, HasSubstr("has left after operation 8"));
  }
}

TEST_P(LossTest, OfARankThatDoesSomethingElse) {
  if (GetParam().library == "nccl") GTEST_SKIP() << "NCCL does not see what the others do";
  const std::vector<RankResult> results = RunUntilLost([this](Communicator& communicator) {
    communicator.AllReduce(Tensor::Zeros({999}, DType::kF32, device())).Wait();
    return std::string("was not ended");
  });
  EXPECT_EQ(results[1].status, 1);
  EXPECT_LT(results[1].seconds, kDeadline / 2);
  EXPECT_THAT(results[0].output, HasSubstr("started another operation in its place, all-reduce 9 of "));
}

std::vector<Implementation> Implementations(int least_world) {
  std::vector<Implementation> all = {
      {"Single", "", 1, {}},
      {"Gloo2", "gloo", 2, {}},
      {"Gloo3", "gloo", 3, {}},
      {"Gloo2Simt", "gloo", 2, {DeviceType::kSimt}},
      {"Nccl1", "nccl", 1, {DeviceType::kSimt}},  // the double of NCCL
      {"Nccl2", "nccl", 2, {DeviceType::kSimt}},
      {"Nccl3", "nccl", 3, {DeviceType::kSimt}},
  };
  std::erase_if(all, [&](const Implementation& one) { return one.world < least_world; });
  return all;
}

constexpr auto kName = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Every, CommunicatorTest, testing::ValuesIn(Implementations(1)), kName);
INSTANTIATE_TEST_SUITE_P(Every, LossTest, testing::ValuesIn(Implementations(2)), kName);

}  // namespace
}  // namespace orbit
