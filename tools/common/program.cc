#include "tools/common/program.h"

#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <utility>

namespace orbit {
namespace {

using Programs = std::map<std::string, std::function<int(int, char**)>>;

Programs& ThePrograms() {
  static Programs programs;  // programs register before main, in any order
  return programs;
}

}  // namespace

Program::Program(const std::string& name, std::function<int(int, char**)> main) {
  ThePrograms()[name] = std::move(main);
}

int RunProgram(int argc, char** argv) {
  const Programs& programs = ThePrograms();
  auto chosen = programs.size() == 1 ? programs.begin() : programs.find(std::filesystem::path(argv[0]).filename());
  if (chosen == programs.end()) {
    --argc, ++argv;  // PROGRAM ARGUMENT... remains
    const std::string name = argc > 0 ? argv[0] : "";
    chosen = programs.find(name);
    if (chosen == programs.end()) {
      if (name != "--list") std::cerr << "there is no program '" << name << "'; there are:" << std::endl;
      for (const auto& [known, main] : programs) std::cout << known << "\n";
      return name == "--list" ? 0 : 2;
    }
  }
  try {
    return chosen->second(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << chosen->first << ": error: " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace orbit
