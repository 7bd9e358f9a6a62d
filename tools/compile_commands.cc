// Turns Bazel's list of compile actions into compile_commands.json, which clangd reads:
//
//   ./bazelw aquery 'mnemonic("CppCompile", //...)' --output=jsonproto > /tmp/actions.json
//   ./bazelw run //tools:compile_commands -- /tmp/actions.json
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/atomic_file.h"
#include "kernels/error.h"
#include "tools/common/path.h"

namespace {

void Run(const std::string& path) {
  const char* variable = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  orbit::Check(variable != nullptr, "to be started by bazel run, which tells the workspace's directory");
  const std::filesystem::path workspace = variable;
  // The directory in which Bazel compiles, through its convenience link; there the system's libraries are under
  // external/.
  const std::string directory = workspace / ("bazel-" + workspace.filename().string());
  std::ifstream file(orbit::UserPath(path));
  orbit::Check(file.good(), "cannot read ", path);
  const auto actions = nlohmann::json::parse(file).at("actions");
  nlohmann::json commands = nlohmann::json::array();
  for (const auto& action : actions) {
    const auto& arguments = action.at("arguments");
    for (size_t i = 0; i + 1 < arguments.size(); ++i)
      if (arguments[i] == "-c")
        commands.push_back({{"directory", directory},
                            {"file", (workspace / arguments[i + 1].get<std::string>()).string()},
                            {"arguments", arguments}});
  }
  orbit::io::WriteFileAtomically(workspace / "compile_commands.json", commands.dump(1) + "\n");
  std::cout << commands.size() << " commands written to compile_commands.json\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    orbit::Check(argc == 2, "one argument expected: the file of actions");
    Run(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "compile_commands: " << error.what() << "\n";
    return 1;
  }
}
