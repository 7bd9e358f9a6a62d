#include "kernels/processor_quota.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace orbit::kernels {
namespace {

// A system whose control groups are what a test says.
class ProcessorQuotaTest : public testing::Test {
 protected:
  ProcessorQuotaTest() {
    root_ = testing::TempDir() + "quota-XXXXXX";
    EXPECT_NE(mkdtemp(root_.data()), nullptr);
  }
  ~ProcessorQuotaTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& contents) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << contents;
  }
  double Quota() const { return ProcessorQuota(root_); }

 private:
  std::string root_;
};

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

TEST_F(ProcessorQuotaTest, IsUnlimitedWhereNothingSaysOtherwise) {
  EXPECT_EQ(Quota(), kUnlimited);
  Write("/proc/self/cgroup", "0::/a\nnonsense\n");
  EXPECT_EQ(Quota(), kUnlimited);
  Write("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), kUnlimited);
}

TEST_F(ProcessorQuotaTest, IsTheSmallestOfTheGroupAndThoseAbove) {
  Write("/proc/self/cgroup", "0::/pod/container\n");
  Write("/sys/fs/cgroup/pod/container/cpu.max", "400000 100000\n");
  EXPECT_EQ(Quota(), 4);
  Write("/sys/fs/cgroup/pod/cpu.max", "150000 100000\n");
  EXPECT_EQ(Quota(), 1.5);
  Write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(Quota(), 0.5);
}

TEST_F(ProcessorQuotaTest, ReadsVersion1) {
  Write("/proc/self/cgroup", "9:name=systemd:/\n3:cpuset:/docker/x\n2:cpu,cpuacct:/docker/x\n");
  Write("/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), kUnlimited);
  // As a container sees its own group.
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Quota(), 2);
}

}  // namespace
}  // namespace orbit::kernels
