#include "tools/experiments/shared_directory.h"

#include <gmock/gmock.h>

#include <chrono>
#include <set>
#include <thread>

#include "tests/engine/distributed/run_ranks.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;

class SharedDirectoryTest : public io::FileTest {
 protected:
  std::set<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(Path("run"))) names.insert(entry.path().filename());
    return names;
  }
};

TEST_F(SharedDirectoryTest, IsTheFirstRanksWithoutTokensOfKilledOnes) {
  fs::create_directory(Path("run"));
  io::WriteFile(Path("run/ranks.token-0123456789abcdef"), "0123456789abcdef");
  io::WriteFile(Path("run/config.yaml"), "");
  const std::vector<RankResult> results = RunRanks(2, {}, {}, [&](Communicator& ranks) {
    const SharedDirectory shared = ShareDirectory(ranks.rank() == 0 ? Path("run") : "", ranks, {});
    return shared.path + " " + shared.token;
  });
  EXPECT_EQ(results[0].status, 0) << results[0].output;
  EXPECT_EQ(results[0].output, results[1].output);
  EXPECT_THAT(results[0].output, HasSubstr(Path("run") + " "));
  EXPECT_EQ(Files(), std::set<std::string>{"config.yaml"});
}

}  // namespace
}  // namespace orbit
