// The communicator of a single process, as every other implementation with one rank.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/distributed/communicator.h"
#include "kernels/error.h"

namespace orbit {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(SingleProcess, IsTheWholeWorld) {
  const auto communicator = MakeSingleProcess();
  const Tensor x = Tensor::From<float>({1, 2, 3}, {3}), out = Tensor::Empty({1, 3});
  communicator->AllReduce(x).Wait();
  communicator->Broadcast(x, 0).Wait();
  communicator->AllGather(out, x).Wait();
  EXPECT_EQ(out.ToVector<float>(), x.ToVector<float>());
  communicator->ReduceScatter(x, x).Wait();
  communicator->Barrier();
  EXPECT_EQ(x.ToVector<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(communicator->statistics().operations, 4);
  EXPECT_EQ(communicator->statistics().bytes_sent, 0);
}

TEST(SingleProcess, RefusesWhatDoesNotFit) {
  const auto communicator = MakeSingleProcess();
  const Tensor x = Tensor::Zeros({3});
  EXPECT_THAT([&] { communicator->Broadcast(x, 1); }, ThrowsMessage<Error>(HasSubstr("from rank 1 of 1")));
  EXPECT_THAT([&] { communicator->AllGather(Tensor::Zeros({4}), x); }, ThrowsMessage<Error>(HasSubstr("f32 [4]")));
  communicator->Abort("the disk is full");
  EXPECT_THAT([&] { communicator->AllReduce(x); }, ThrowsMessage<Error>("the disk is full"));
}

}  // namespace
}  // namespace orbit
