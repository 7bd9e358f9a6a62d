#include "engine/io/writer_lock.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "tests/engine/io/testing.h"

namespace orbit::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class WriterLockTest : public FileTest {};

TEST_F(WriterLockTest, AdmitsOneWriterAndNamesIt) {
  std::optional<WriterLock> first(std::in_place, Path(""));
  const std::string told = ReadFile(Path("writer.lock"));
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  EXPECT_EQ(told, "process " + std::to_string(getpid()) + " on " + host + "\n");
  EXPECT_THAT(MessageOf([&] { WriterLock second(Path("")); }),
              AllOf(HasSubstr(Path("")), HasSubstr("is being written by process " + std::to_string(getpid()))));
  EXPECT_EQ(ReadFile(Path("writer.lock")), told);
  first.reset();
  EXPECT_EQ(MessageOf([&] { WriterLock second(Path("")); }), "");
}

TEST_F(WriterLockTest, IsReleasedWhenItsHolderIsKilled) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const WriterLock lock(Path(""));
    if (write(ready[1], "x", 1) == 1) pause();
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_THAT(MessageOf([&] { WriterLock mine(Path("")); }), HasSubstr("process " + std::to_string(holder) + " on "));
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  EXPECT_EQ(MessageOf([&] { WriterLock mine(Path("")); }), "");
  EXPECT_THAT(ReadFile(Path("writer.lock")), HasSubstr("process " + std::to_string(getpid()) + " on "));
}

TEST_F(WriterLockTest, SaysWhyItCannotWrite) {
  EXPECT_THAT(MessageOf([&] { WriterLock lock(Path("absent")); }),
              AllOf(HasSubstr("cannot write to " + Path("absent")), HasSubstr("No such file")));
}

}  // namespace
}  // namespace orbit::io
