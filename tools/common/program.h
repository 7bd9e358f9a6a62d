// A program: a main function under a name, so that one executable can hold one of them or many.
//
//   int Main(int argc, char** argv) { ... }
//   const Program program("train", Main);   // in train.cc, at namespace scope
//
// Their common `main` is //tools:main. Where an executable holds one program it runs that; one that holds several, as
// the bundle's `orbit`, runs the one it is called by the name of, or that its first argument names.
#ifndef ORBIT_TOOLS_COMMON_PROGRAM_H_
#define ORBIT_TOOLS_COMMON_PROGRAM_H_

#include <functional>
#include <string>

namespace orbit {

struct Program {
  // The exit status comes from `main`, or is 1 after an exception, which is told in one line on stderr.
  Program(const std::string& name, std::function<int(int argc, char** argv)> main);
};

// The `main` of all: runs the program that argv asks for, or names those there are (`orbit --list`, a line each).
int RunProgram(int argc, char** argv);

}  // namespace orbit

#endif  // ORBIT_TOOLS_COMMON_PROGRAM_H_
