// Compares the engine with recorded cases of the reference implementation:
//
//   bazel run //tests:parity -- [--device D] [--dtype f64|f32] FILE_OR_DIR ...
//
// Prints the largest relative error of outputs and of gradients for every case. The exit status is 1 if one is beyond
// tolerance or a file cannot be run, else 0; cases of unknown tasks are named and skipped.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "tests/parity/parity_case.h"
#include "tools/common/program.h"

namespace orbit::parity {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::function<Report(const Case&)>>& Tasks() {
  static const std::map<std::string, std::function<Report(const Case&)>> tasks = {
      {"nbody", RunNBody},
      {"nbody_egnn", RunEgnn},
      {"GRAPH8c", RunGraph},
      {"EXPclassify", RunGraph},
      {"node_classification_pattern", RunGraphImage},
      {"graph_classification_peptides_func", RunGraphImage},
      {"graph_regression_peptides_struct", RunGraphImage},
      {"link_prediction_pcqm_contact", RunGraphImage},
  };
  return tasks;
}

struct Tolerance {
  double outputs, gradients;
};

// In single precision gradients are worse where Gram-Schmidt is ill-conditioned, so they are shown but not judged.
Tolerance ToleranceOf(DType dtype) {
  return dtype == DType::kF64 ? Tolerance{1e-8, 1e-8} : Tolerance{1e-4, std::numeric_limits<double>::infinity()};
}

Difference Worst(const std::vector<Difference>& differences) {
  Difference worst{"none", 0};
  for (const Difference& difference : differences)
    if (!(difference.error <= worst.error)) worst = difference;  // NaN is the worst
  return worst;
}

// Resolves relative paths against the user's directory, under `bazel run`, too.
fs::path UserPath(const std::string& path) {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  return directory ? fs::path(directory) / path : fs::path(path);
}

std::vector<std::string> ListFiles(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& argument : paths) {
    const fs::path path = UserPath(argument);
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    const size_t before = files.size();
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
    std::sort(files.begin() + before, files.end());
    Check(files.size() > before, path.string(), " has no .safetensors files");
  }
  return files;
}

// Whether the case is within tolerance, or its task is unknown.
bool RunFile(const std::string& file, DType dtype, Device device) {
  const std::string name = fs::path(file).stem();
  const Case recorded = ReadCase(file, dtype, device);
  const std::string task = recorded.spec.at("task");
  if (!Tasks().count(task)) {
    std::printf("%-36s unknown task '%s'\n", name.c_str(), task.c_str());
    return true;
  }
  const Report report = Tasks().at(task)(recorded);
  const Tolerance tolerance = ToleranceOf(dtype);
  const Difference output = Worst(report.outputs), gradient = Worst(report.gradients);
  const bool passed = output.error <= tolerance.outputs && gradient.error <= tolerance.gradients;
  std::printf("%-36s %s  outputs %.1e (%s)  gradients %.1e (%s)\n", name.c_str(), passed ? "ok    " : "FAILED",
              output.error, output.name.c_str(), gradient.error, gradient.name.c_str());
  return passed;
}

int Main(int argc, char** argv) {
  CLI::App app("Holds the engine against recorded cases of the reference implementation.");
  std::string device = "cpu", dtype = "f64";
  std::vector<std::string> paths;
  app.add_option("--device", device, "where to compute")->capture_default_str();
  app.add_option("--dtype", dtype, "f64 (tolerance 1e-8) or f32 (outputs 1e-4)")
      ->check(CLI::IsMember({"f64", "f32"}))
      ->capture_default_str();
  app.add_option("cases", paths, "safetensors files, or folders of them")->required();
  CLI11_PARSE(app, argc, argv);
  bool passed = true;
  const Device where = ParseDevice(device);
  for (const std::string& file : ListFiles(paths)) {
    try {
      passed &= RunFile(file, ParseDType(dtype), where);
    } catch (const std::exception& error) {
      std::printf("%-36s FAILED  %s\n", fs::path(file).stem().c_str(), error.what());
      passed = false;
    }
  }
  return passed ? 0 : 1;
}

const Program program("parity", Main);

}  // namespace
}  // namespace orbit::parity
