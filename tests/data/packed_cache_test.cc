// The cache of arrays: what is kept is given back in place, and nothing that happens to its files does harm.
#include "data/packed_cache.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PackedCacheTest : public io::FileTest {
 protected:
  PackedCacheTest() { setenv("ORBIT_CACHE", Path("cache").c_str(), 1); }

  // Loads three arrays and counts how often they are made.
  PackedArrays Load(const PackedKey& key) {
    return LoadPacked(key, [this] {
      ++made_;
      return TensorMap{{"a", Tensor::From(std::vector<uint8_t>{1, 2, 3}, {3})},
                       {"b", Tensor::From(std::vector<int64_t>{-4, 5}, {2, 1})},
                       {"none", Tensor::Empty({0, 3}, DType::kI32)}};
    });
  }
  // The same, with what is said about it.
  std::string SaidBy(const PackedKey& key) {
    testing::internal::CaptureStderr();
    const PackedArrays arrays = Load(key);
    EXPECT_THAT(arrays.Get<uint8_t>("a"), ElementsAre(1, 2, 3));
    EXPECT_THAT(arrays.Get<int64_t>("b"), ElementsAre(-4, 5));
    EXPECT_THAT(arrays.Get<int32_t>("none"), ElementsAre());
    return testing::internal::GetCapturedStderr();
  }
  std::string TheFile() const {
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(Path("cache")), {}), 1);
    return std::filesystem::directory_iterator(Path("cache"))->path();
  }

  int made_ = 0;
  const PackedKey key_{.name = "x", .digest = "0123456789abcdef0123", .version = "1"};
};

TEST_F(PackedCacheTest, ArraysAreMadeOnce) {
  EXPECT_EQ(SaidBy(key_), "");
  EXPECT_EQ(SaidBy(key_), "");
  EXPECT_EQ(made_, 1);
  EXPECT_THAT(TheFile(), HasSubstr("cache/x-0123456789abcdef.safetensors"));
  const PackedArrays arrays = Load(key_);
  EXPECT_EQ(arrays.Copy("b").shape(), (Shape{2, 1}));
  EXPECT_THAT(arrays.Copy("b").ToVector<int64_t>(), ElementsAre(-4, 5));
  EXPECT_THAT(io::MessageOf([&] { arrays.Get<float>("a"); }), HasSubstr("the array a is of u8, not f32"));
  EXPECT_THAT(io::MessageOf([&] { arrays.Get<float>("c"); }), HasSubstr("there is no array c"));
  Load({.name = "x", .digest = "another", .version = "1"});
  EXPECT_EQ(made_, 2);
}

TEST_F(PackedCacheTest, AnotherVersionOrSourceIsMadeAnew) {
  SaidBy(key_);
  EXPECT_THAT(SaidBy({.name = "x", .digest = key_.digest, .version = "2"}), HasSubstr("made anew"));
  // Only the first digits of a digest are in the name.
  EXPECT_THAT(SaidBy({.name = "x", .digest = key_.digest + "4", .version = "2"}), HasSubstr("made anew"));
  EXPECT_EQ(SaidBy({.name = "x", .digest = key_.digest + "4", .version = "2"}), "");
  EXPECT_EQ(made_, 3);
}

TEST_F(PackedCacheTest, DamagedFilesAreMadeAnew) {
  SaidBy(key_);
  const std::string path = TheFile(), whole = io::ReadFile(path);
  for (size_t size : {size_t{0}, size_t{5}, whole.size() / 2, whole.size() - 1}) {
    io::WriteFile(path, whole.substr(0, size));
    EXPECT_THAT(SaidBy(key_), HasSubstr("made anew")) << size;
  }
  for (size_t place : {size_t{0}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[place] ^= 0x40;
    io::WriteFile(path, damaged);
    EXPECT_THAT(SaidBy(key_), HasSubstr("made anew")) << place;
  }
  EXPECT_EQ(SaidBy(key_), "");
  EXPECT_EQ(io::ReadFile(path), whole);
}

TEST_F(PackedCacheTest, WhereNothingCanBeKeptArraysAreThereNevertheless) {
  setenv("ORBIT_CACHE", "/dev/null/cache", 1);
  EXPECT_THAT(SaidBy(key_), HasSubstr("not kept"));
  setenv("ORBIT_CACHE", "/proc", 1);  // a directory that cannot be written to
  EXPECT_THAT(SaidBy(key_), HasSubstr("not kept"));
  setenv("ORBIT_CACHE", Path("cache").c_str(), 1);
  {
    const io::FullDisk full(100);
    EXPECT_THAT(SaidBy(key_), HasSubstr("not kept"));
  }
  std::cerr.clear();  // what it said was cut off, too
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(Path("cache")), {}), 0);
  EXPECT_EQ(made_, 3);
}

TEST_F(PackedCacheTest, ArraysOutliveTheirFileAndSeveralMakersDoNoHarm) {
  const PackedArrays arrays = Load(key_);
  std::filesystem::remove_all(Path("cache"));
  std::vector<std::thread> makers;
  for (int i = 0; i < 4; ++i)
    makers.emplace_back([this] {
      for (int j = 0; j < 20; ++j) {
        const PackedArrays mine = LoadPacked(key_, [] {
          return TensorMap{{"a", Tensor::From(std::vector<uint8_t>{1, 2, 3}, {3})}};
        });
        EXPECT_THAT(mine.Get<uint8_t>("a"), ElementsAre(1, 2, 3));
        if (j % 3 == 0) std::filesystem::remove(Path("cache/x-0123456789abcdef.safetensors"));
      }
    });
  for (std::thread& maker : makers) maker.join();
  EXPECT_THAT(arrays.Get<uint8_t>("a"), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace orbit
