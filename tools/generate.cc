// Generates data sets. See --help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "data/graph/graph6.h"
#include "data/graph/graph_sets.h"
#include "data/io/npy.h"
#include "data/nbody/nbody.h"
#include "engine/io/atomic_file.h"
#include "tools/common/device_options.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/report/progress.h"

namespace orbit {
namespace {

struct NBodyArguments {
  NBodyOptions options;
  std::string forces = "charged", output = "nbody";
};

// [count, n, 3] -> [count, 3, n], as in the published files.
Tensor CoordinatesFirst(const Tensor& x) {
  const int64_t count = x.dim(0), n = x.dim(1);
  const std::vector<double> from = x.ToVector<double>();
  std::vector<double> to(from.size());
  for (int64_t t = 0; t < count; ++t)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t d = 0; d < 3; ++d) to[(t * 3 + d) * n + i] = from[(t * n + i) * 3 + d];
  return Tensor::From(to, {count, 3, n});
}

void GenerateNBody(NBodyArguments arguments) {
  arguments.options.simulator.forces = ParseForces(arguments.forces);
  const std::filesystem::path directory = UserPath(arguments.output);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  Check(!error, "cannot make the directory ", directory.string(), ": ", error.message());
  Progress progress("simulating", arguments.options.train + arguments.options.valid + arguments.options.test);
  const double total = static_cast<double>(arguments.options.train + arguments.options.valid + arguments.options.test);
  const NBodyData data =
      SimulateNBody(arguments.options, [&](double share) { progress.Update(static_cast<int64_t>(share * total)); });
  progress.Finish();
  for (size_t s = 0; s < kSplits.size(); ++s) {
    const ParticleFrames& frames = data.splits[s];
    const auto write = [&](const std::string& name, const Tensor& tensor) {
      WriteNpy(directory / (name + "_" + NameOf(kSplits[s]) + ".npy"), tensor);
    };
    write("charges", frames.charges.Reshape({frames.charges.dim(0), frames.charges.dim(1), 1}));
    write("loc" + std::to_string(kNBodyInputFrame), CoordinatesFirst(frames.positions));
    write("vel" + std::to_string(kNBodyInputFrame), CoordinatesFirst(frames.velocities));
    write("loc" + std::to_string(kNBodyTargetFrame), CoordinatesFirst(frames.targets));
  }
  std::printf("%s\n", directory.c_str());
}

void GenerateGraph8c(const std::string& path) {
  std::string lines;
  for (const Graph& graph : EnumerateGraph8c()) lines += FormatGraph6(graph) + "\n";
  io::WriteFileAtomically(path, lines);
  std::printf("%s\n", path.c_str());
}

int Main(int argc, char** argv) {
  CLI::App app("Makes data sets.");
  app.require_subcommand(1);
  DeviceOptions device;

  NBodyArguments nbody;
  CLI::App* command = app.add_subcommand(
      "nbody",
      "trajectories of interacting particles as .npy files: charges [count, n, 1], positions and velocities at "
      "frame 30 and positions at frame 40, each [count, 3, n]");
  SimulatorOptions& simulator = nbody.options.simulator;
  command->add_option("--forces", nbody.forces, "charged or spring")->capture_default_str();
  command->add_option("--particles", simulator.particles, "a trajectory")->capture_default_str();
  command->add_option("--steps", simulator.steps, "of the simulation, 1e-3 each")->capture_default_str();
  command->add_option("--seed", nbody.options.seed, "of NumPy's generator; the published data has 43")
      ->capture_default_str();
  command->add_option("--train", nbody.options.train, "trajectories, the first of 10,000 drawn")->capture_default_str();
  command->add_option("--valid", nbody.options.valid, "trajectories")->capture_default_str();
  command->add_option("--test", nbody.options.test, "trajectories")->capture_default_str();
  command->add_option("--output", nbody.output, "the directory to write to")->capture_default_str();
  AddDeviceOptions(*command, device);
  command->callback([&] {
    ApplyDeviceOptions(device);
    GenerateNBody(nbody);
  });

  std::string graph8c_output = "graph8c.g6";
  command = app.add_subcommand("graph8c", "the 11,117 connected graphs on 8 nodes, by nauty-geng, as graph6 lines");
  command->add_option("--output", graph8c_output, "the file to write")->capture_default_str();
  command->callback([&] { GenerateGraph8c(UserPath(graph8c_output)); });

  CLI11_PARSE(app, argc, argv);
  return 0;
}

const Program program("generate", Main);

}  // namespace
}  // namespace orbit
