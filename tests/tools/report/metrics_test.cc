#include "tools/report/metrics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using io::FullDisk;
using io::MessageOf;
using io::ReadFile;
using io::WriteFile;
using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

class MetricsTest : public io::FileTest {
 protected:
  std::string path() const { return Path("metrics.jsonl"); }
  std::vector<int64_t> Steps() const {
    std::vector<int64_t> steps;
    for (const MetricsLine& line : ReadMetrics(path())) steps.push_back(line.step);
    return steps;
  }
};

TEST_F(MetricsTest, ReadsBackWhatItWrites) {
  EXPECT_TRUE(ReadMetrics(path()).empty());
  MetricsWriter writer(path(), 0);
  writer.Write(10, {{"train/loss", 1.0 / 3}, {"a \"name\"", -1e-300}});
  writer.Write(20, {});
  const auto lines = ReadMetrics(path());  // while the writer is open: nothing waits in it
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].step, 10);
  EXPECT_EQ(lines[0].metrics, (Metrics{{"train/loss", 1.0 / 3}, {"a \"name\"", -1e-300}}));
  EXPECT_EQ(lines[1].step, 20);
  EXPECT_TRUE(lines[1].metrics.empty());
}

TEST_F(MetricsTest, StaysJsonWhereValuesAreNotFinite) {
  MetricsWriter(path(), 0).Write(1, {{"nan", std::nan("")}, {"inf", std::numeric_limits<double>::infinity()}});
  std::istringstream lines(ReadFile(path()));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  const auto read = ReadMetrics(path());
  for (const auto& [name, value] : read.at(0).metrics) EXPECT_TRUE(std::isnan(value)) << name;
}

TEST_F(MetricsTest, GoesOnAfterTheStepOfTheCheckpoint) {
  {
    MetricsWriter writer(path(), 0);
    for (const int64_t step : {10, 20, 30, 40}) writer.Write(step, {{"loss", 1.0 / static_cast<double>(step)}});
  }
  MetricsWriter(path(), 20).Write(30, {{"loss", 5}});
  EXPECT_EQ(Steps(), (std::vector<int64_t>{10, 20, 30}));
  EXPECT_EQ(ReadMetrics(path())[1].metrics, (Metrics{{"loss", 1.0 / 20}}));
  EXPECT_EQ(ReadMetrics(path())[2].metrics, (Metrics{{"loss", 5}}));
}

TEST_F(MetricsTest, DropsALineThatAKilledProcessLeft) {
  WriteFile(path(), "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"lo");
  EXPECT_EQ(Steps(), (std::vector<int64_t>{1}));
  MetricsWriter(path(), kAll).Write(3, {});
  EXPECT_EQ(Steps(), (std::vector<int64_t>{1, 3}));
}

TEST_F(MetricsTest, NamesOtherDamage) {
  for (const char* damage : {"{\"step\": 1, \"lo", "[1]", "{}", "{\"step\": \"x\"}", ""}) {
    WriteFile(path(), std::string("{\"step\": 1}\n") + damage + "\n{\"step\": 3}\n");
    EXPECT_THAT(MessageOf([&] { ReadMetrics(path()); }), HasSubstr("metrics.jsonl:2: no metrics")) << damage;
    EXPECT_THAT(MessageOf([&] { MetricsWriter(path(), kAll); }), HasSubstr("metrics.jsonl:2")) << damage;
  }
  EXPECT_THAT(ReadFile(path()), HasSubstr("{\"step\": 3}"));  // it is left as it was
}

TEST_F(MetricsTest, SaysWhyItCannotReadOrWrite) {
  std::filesystem::create_directory(path());
  EXPECT_THAT(MessageOf([&] { ReadMetrics(path()); }), HasSubstr("cannot read " + path() + ": Is a directory"));
  EXPECT_THAT(MessageOf([&] { MetricsWriter(Path("absent/metrics.jsonl"), 0); }),
              AllOf(HasSubstr("absent/metrics.jsonl"), HasSubstr("No such file")));
}

TEST_F(MetricsTest, SaysThatTheDiskIsFull) {
  MetricsWriter writer(path(), 0);
  writer.Write(1, {{"loss", 1}});
  {
    const FullDisk full(40);
    EXPECT_THAT(MessageOf([&] {
                  writer.Write(2, {{"loss", 0.1234567890123456}});
                }),
                HasSubstr("cannot write to " + path() + ": File too large"));
  }
  EXPECT_EQ(Steps(), (std::vector<int64_t>{1}));
}

}  // namespace
}  // namespace orbit
