// The account of a step's memory, made with a few examples, against the peak of a step of a whole batch.
#include "tools/experiments/memory_account.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/engine/io/testing.h"
#include "tools/experiments/settings.h"

namespace orbit {
namespace {

class MemoryAccountTest : public io::FileTest {
 protected:
  void SetUp() override { setenv("ORBIT_CACHE", Path("cache").c_str(), 1); }

  static Config Settings(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"model.transformer.layers=3",
                                    "model.transformer.width=32",
                                    "model.transformer.heads=2",
                                    "model.transformer.hidden=64",
                                    "model.transformer.grid=7",
                                    "model.network.hidden=8",
                                    "data.patterns=4",
                                    "data.train=8",
                                    "data.valid=1",
                                    "data.test=1",
                                    "train.batch=24"};
    all.insert(all.end(), more.begin(), more.end());
    return ResolveSettings({.preset = "pattern_tiny", .file = "", .assignments = all});
  }
};

TEST_F(MemoryAccountTest, AgreesWithThePeak) {
  for (const std::vector<std::string>& settings :
       {std::vector<std::string>{}, {"train.precision=bf16"}, {"train.checkpoint=true"}, {"train.accumulate=2"}}) {
    Config config = Settings(settings);
    const std::unique_ptr<Experiment> experiment = MakeExperiment(config, Device{});
    const MemoryAccount account = MeasureMemory(config, *experiment);
    const int64_t parts = config.Int("train.accumulate");
    EXPECT_EQ(account.examples, 24 / parts);
    const auto peak =
        static_cast<double>(account.parameters + MeasurePeak(config, *experiment, account.examples, parts));
    EXPECT_NEAR(static_cast<double>(account.peak()), peak, 0.1 * peak) << (settings.empty() ? "" : settings[0]);
  }
}

TEST_F(MemoryAccountTest, SaysWhatEachKeySaves) {
  const std::string text = DescribeMemory(Settings({"train.samples=2"}), Device{});
  for (const char* part :
       {"24 examples in micro-batches of 24, 2 samples, f32, on cpu", "parameters", "gradients", "optimizer",
        "activations", "with train.precision=bf16", "with train.checkpoint=true", "with train.accumulate=2"})
    EXPECT_THAT(text, testing::HasSubstr(part));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("train.accumulate=1 ")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("train.accumulate=32")));
}

}  // namespace
}  // namespace orbit
