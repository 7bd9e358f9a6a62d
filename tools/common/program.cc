#include "tools/common/program.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <utility>

namespace orbit {
namespace {

namespace fs = std::filesystem;

using Programs = std::map<std::string, std::function<int(int, char**)>>;

Programs& ThePrograms() {
  static Programs programs;  // programs register before main, in any order
  return programs;
}

std::string& TheCommand() {
  static std::string command;
  return command;
}

// The command of a program that was called as one of many, by its name after the executable's: the file of its name
// beside the executable, where there is one, as in the bundle.
std::string CommandOfMany(const std::string& executable, const std::string& name) {
  const fs::path beside = fs::path(executable).parent_path() / name;
  std::error_code ignored;
  return fs::exists(beside, ignored) ? ShellWord(beside) : ShellWord(executable) + " " + name;
}

int Run(int argc, char** argv) {
  const Programs& programs = ThePrograms();
  auto chosen = programs.size() == 1 ? programs.begin() : programs.find(fs::path(argv[0]).filename());
  TheCommand() = ShellWord(argv[0]);
  if (chosen == programs.end()) {
    const std::string executable = argv[0];
    --argc, ++argv;  // PROGRAM ARGUMENT... remains
    const std::string name = argc > 0 ? argv[0] : "";
    chosen = programs.find(name);
    if (chosen == programs.end()) {
      if (name != "--list") std::cerr << "there is no program '" << name << "'; there are:" << std::endl;
      for (const auto& [known, main] : programs) std::cout << known << "\n";
      return name == "--list" ? 0 : 2;
    }
    TheCommand() = CommandOfMany(executable, name);
  }
  if (std::getenv("BUILD_WORKING_DIRECTORY")) TheCommand() = "./bazelw run -c opt //tools:" + chosen->first + " --";
  try {
    return chosen->second(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << chosen->first << ": error: " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace

Program::Program(const std::string& name, std::function<int(int, char**)> main) {
  ThePrograms()[name] = std::move(main);
}

int RunProgram(int argc, char** argv) {
  const int status = Run(argc, argv);
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && !std::ferror(stdout)) return status;
  std::cerr << "error: the output is incomplete: standard output cannot be written"
            << (flushed ? "" : std::string(": ") + std::strerror(errno)) << std::endl;
  return status == 0 ? 1 : status;
}

const std::string& ProgramCommand() { return TheCommand(); }

std::string ShellWord(const std::string& text) {
  constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace orbit
