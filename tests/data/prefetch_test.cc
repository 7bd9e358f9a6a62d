#include "data/prefetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace orbit {
namespace {

TEST(PrefetchTest, ItemsComeInOrderWithAndWithoutAWorker) {
  for (const int64_t ahead : {0, 1, 3}) {
    Prefetch<std::vector<int64_t>> items([](int64_t i) { return std::vector{i, i * i}; }, 2, 50, ahead);
    for (int64_t i = 2; i < 50; ++i) EXPECT_EQ(items.Next(), (std::vector{i, i * i}));
  }
}

TEST(PrefetchTest, TheWorkerIsNoFurtherAheadThanItMay) {
  std::atomic<int64_t> made = 0;
  Prefetch<int64_t> items([&](int64_t i) { return ++made, i; }, 0, 100, 3);
  for (int64_t taken = 1; taken <= 20; ++taken) {
    items.Next();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_LE(made, taken + 4);  // three that wait, and one in the making
  }
  EXPECT_GE(made, 23);
}  // and whoever has had enough may leave

TEST(PrefetchTest, WhatIsThrownComesWhereItsItemWould) {
  for (const int64_t ahead : {0, 2}) {
    Prefetch<int64_t> items([](int64_t i) { return i < 3 ? i : throw std::runtime_error("three"); }, 0, 10, ahead);
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(items.Next(), i);
    EXPECT_THROW(items.Next(), std::runtime_error);
  }
}

}  // namespace
}  // namespace orbit
