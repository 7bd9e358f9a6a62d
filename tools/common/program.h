// Program: a named main function. An executable can hold one program or many.
//
//   int Main(int argc, char** argv) { ... }
//   const Program program("train", Main);   // in train.cc, at namespace scope
//
// All executables share the `main` of //tools:main. If an executable holds one program, it runs that. If it holds
// several, like the bundle's `orbit`, it runs the program whose name it was called by, or which its first argument
// names.
#ifndef ORBIT_TOOLS_COMMON_PROGRAM_H_
#define ORBIT_TOOLS_COMMON_PROGRAM_H_

#include <functional>
#include <string>

namespace orbit {

struct Program {
  // The exit status is the result of `main`, or 1 after an exception, which is reported in one line on stderr.
  Program(const std::string& name, std::function<int(int argc, char** argv)> main);
};

// The `main` of all executables: runs the program that argv asks for, or lists all programs (`orbit --list`, one per
// line). Where what was printed on stdout could not be written, as to a full disk, that is said on stderr, and the exit
// status is not 0.
int RunProgram(int argc, char** argv);

// What calls the running program again, for a shell in the directory that it was called from: the path that it was
// called by, or a command of Bazel's where `bazel run` has called it. Arguments follow.
const std::string& ProgramCommand();

// The text as one word of a shell's command, quoted where that is needed.
std::string ShellWord(const std::string& text);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_PROGRAM_H_
