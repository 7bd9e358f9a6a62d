// A program for tests of networks and launchers: ranks that sum a number again and again. The options say which rank it
// is and where the ranks meet, else a launcher does; --steps how often.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "engine/tensor.h"
#include "kernels/error.h"
#include "tools/common/distributed_options.h"
#include "tools/common/program.h"

namespace orbit {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("Sums over ranks.");
  DistributedOptions options;
  int steps = 10, pause = 0;
  AddDistributedOptions(app, options);
  app.add_option("--steps", steps);
  app.add_option("--pause", pause, "milliseconds after each step");
  CLI11_PARSE(app, argc, argv);
  const auto ranks = MakeCommunicator(FindCommunicatorOptions(options), Device{});
  std::printf("%s\n", ranks->Describe().c_str());
  std::fflush(stdout);
  double sum = 0;
  for (int step = 1; step <= steps; ++step) {
    ranks->SetContext("step " + std::to_string(step));
    const Tensor x = Tensor::Full({10000}, ranks->rank() + step, DType::kF64);
    ranks->AllReduce(x).Wait();
    sum += x.ToVector<double>()[9999];
    usleep(static_cast<unsigned>(pause * 1000));
  }
  std::printf("sum %g\n", sum);
  return 0;
}

const Program program("sum_steps", Main);

}  // namespace
}  // namespace orbit
