#include "tools/common/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace orbit {
namespace {

// Prints its arguments and returns their number; `command` prints what calls it again.
int Say(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) std::cout << argv[i] << "\n";
  return argc - 1;
}
int Command(int, char**) {
  std::printf("%s", ProgramCommand().c_str());
  return 0;
}
const Program say("say", Say), command("command", Command);

int Call(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return RunProgram(static_cast<int>(words.size()), argv.data());
}

std::string CommandOf(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Call(words), 0);
  return testing::internal::GetCapturedStdout();
}

TEST(ProgramTest, IsChosenByTheNameOfTheExecutableOrTheFirstArgument) {
  EXPECT_EQ(Call({"somewhere/say"}), 0);
  EXPECT_EQ(Call({"somewhere/say", "a", "b"}), 2);
  EXPECT_EQ(Call({"somewhere/orbit", "say", "a", "b", "c"}), 3);
}

// Closed or full: what was printed is lost, and the status tells.
TEST(ProgramDeathTest, FailsWhereItsOutputIsLost) {
  const auto call_on = [](const char* file, const std::vector<std::string>& words) {
    if (!std::freopen(file, "w", stdout)) _exit(99);
    _exit(Call(words));
  };
  EXPECT_EXIT(call_on("/dev/full", {"orbit", "command"}), testing::ExitedWithCode(1),
              "standard output cannot be written: No space left on device");
  EXPECT_EXIT(call_on("/dev/full", {"orbit", "--list"}), testing::ExitedWithCode(1), "output is incomplete");
  EXPECT_EXIT(call_on("/dev/full", {"say", "a", "b"}), testing::ExitedWithCode(2), "output is incomplete");
  EXPECT_EXIT(call_on("/dev/full", {"say"}), testing::ExitedWithCode(0), "");  // nothing was printed
  EXPECT_EXIT(call_on("/dev/null", {"orbit", "command"}), testing::ExitedWithCode(0), "");
  const auto flushed_before = [] {
    if (!std::freopen("/dev/full", "w", stdout)) _exit(99);
    std::printf("lost");
    std::fflush(stdout);
    _exit(Call({"say"}));
  };
  EXPECT_EXIT(flushed_before(), testing::ExitedWithCode(1), "output is incomplete");
}

TEST(ProgramTest, TellsWhatCallsItAgain) {
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(CommandOf({"command"}), "command");  // on the PATH
  EXPECT_EQ(CommandOf({"bazel-bin/tools/command"}), "bazel-bin/tools/command");
  EXPECT_EQ(CommandOf({"my tools/command"}), "'my tools/command'");
  EXPECT_EQ(CommandOf({"nowhere/orbit", "command"}), "nowhere/orbit command");
  const std::filesystem::path bundle = testing::TempDir() + "/bundle";
  std::filesystem::create_directories(bundle);
  std::ofstream(bundle / "command") << "#!/bin/sh";
  EXPECT_EQ(CommandOf({bundle / "orbit", "command"}), (bundle / "command").string());
  setenv("BUILD_WORKING_DIRECTORY", "/somewhere", 1);
  EXPECT_EQ(CommandOf({"bazel-bin/tools/command"}), "./bazelw run -c opt //tools:command --");
  unsetenv("BUILD_WORKING_DIRECTORY");
}

TEST(ProgramTest, QuotesWordsForAShell) {
  EXPECT_EQ(ShellWord("runs/nbody-1"), "runs/nbody-1");
  EXPECT_EQ(ShellWord("a b"), "'a b'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord(""), "''");
}

}  // namespace
}  // namespace orbit
