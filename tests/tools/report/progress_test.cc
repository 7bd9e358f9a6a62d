#include "tools/report/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <limits>
#include <thread>

namespace orbit {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

void Sleep(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

TEST(FormatDurationTest, FitsTheLength) {
  EXPECT_EQ(FormatDuration(0.4), "0 s");
  EXPECT_EQ(FormatDuration(59.4), "59 s");
  EXPECT_EQ(FormatDuration(59.6), "1 min 00 s");
  EXPECT_EQ(FormatDuration(200), "3 min 20 s");
  EXPECT_EQ(FormatDuration(2 * 3600 + 5 * 60), "2 h 05 min");
  EXPECT_EQ(FormatDuration(3 * 86400 + 4 * 3600), "3 d 4 h");
  EXPECT_EQ(FormatDuration(std::numeric_limits<double>::infinity()), "?");
  EXPECT_EQ(FormatDuration(std::numeric_limits<double>::quiet_NaN()), "?");
}

TEST(ProgressTest, IsSilentAboutShortWork) {
  testing::internal::CaptureStderr();
  {
    Progress progress("work", 1000);
    for (int i = 1; i <= 1000; ++i) progress.Update(i);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// If stderr is not a terminal: one line after a second, one at the end, and no more within ten seconds.
TEST(ProgressTest, WritesLinesToAFile) {
  testing::internal::CaptureStderr();
  {
    Progress progress("training", 400, /*done=*/100);
    Sleep(1050);
    progress.Update(200, "train loss 0.5");
    progress.Update(220, "train loss 0.4");
    Sleep(300);
    progress.Update(240, "train loss 0.25");
    progress.Finish();
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              MatchesRegex("training 200/400 \\(50 %\\), [0-9.]+/s, .+ left, train loss 0.5\n"
                           "training 240/400 \\(60 %\\), [0-9.]+/s, .+ left, train loss 0.25\n"));
}

// What a terminal of 50 columns receives.
std::string OnATerminal(const std::function<void()>& action) {
  winsize size{};
  size.ws_col = 50;
  int master, slave;
  EXPECT_EQ(openpty(&master, &slave, nullptr, nullptr, &size), 0);
  std::fflush(stderr);
  const int before = dup(STDERR_FILENO);
  dup2(slave, STDERR_FILENO);
  action();
  std::fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  fcntl(master, F_SETFL, O_NONBLOCK);
  std::string sent;
  char bytes[4096];
  for (ssize_t count; (count = read(master, bytes, sizeof(bytes))) > 0;) sent.append(bytes, count);
  close(slave);
  close(master);
  return sent;
}

TEST(ProgressTest, RedrawsOneLineOfATerminal) {
  const std::string sent = OnATerminal([] {
    Progress progress("training", 400);
    Sleep(1050);
    progress.Update(200, "train loss 0.123456789, valid loss 0.123456789");
    progress.Update(201);
    Sleep(250);
    progress.Update(202);
  });
  std::vector<std::string> drawn;
  for (size_t begin = 0; begin < sent.size();) {
    const size_t end = std::min(sent.find("\r\033[K", begin + 1), sent.size());
    drawn.push_back(sent.substr(begin, end - begin));
    begin = end;
  }
  ASSERT_GE(drawn.size(), 3u);  // at once, after 0.2 s, and at the end
  EXPECT_THAT(drawn[0], StartsWith("\r\033[Ktraining 200/400 (50 %), "));
  EXPECT_THAT(drawn.back(), HasSubstr("training 202/400"));
  EXPECT_THAT(sent, EndsWith("\n"));
  EXPECT_EQ(std::count(sent.begin(), sent.end(), '\n'), 1);
  for (const std::string& line : drawn) EXPECT_LE(line.size(), 4 + 49 + 2u) << line;
}

}  // namespace
}  // namespace orbit
