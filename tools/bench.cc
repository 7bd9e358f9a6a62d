// Times the benchmarks of tools/benchmarks/benchmarks.h. See --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <vector>

#include "engine/autocast.h"
#include "engine/device.h"
#include "engine/dispatch.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/parallel.h"
#include "tools/benchmarks/benchmarks.h"
#include "tools/benchmarks/distributed.h"
#include "tools/common/device_options.h"
#include "tools/common/distributed_options.h"
#include "tools/common/program.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

bool OnGpu() { return TheDevice().type == DeviceType::kCuda; }

// On a GPU the L2 cache is first filled with other data, as it is between training steps.
double Seconds(const BenchmarkWork& run) {
  if (OnGpu()) {
    static const Tensor other = Tensor::Empty({int64_t{1} << 28}, DType::kU8, TheDevice());
    other.Zero();
  }
  return TimeOn(TheDevice(), run);
}

struct Timing {
  double median;
  int repeats;
};

Timing Time(const BenchmarkWork& run, int repeats) {
  Seconds(run);  // warm-up: first touches, scratch memory
  std::vector<double> seconds;
  const auto start = Clock::now();
  while (static_cast<int>(seconds.size()) < repeats &&
         (seconds.size() < 3 || std::chrono::duration<double>(Clock::now() - start).count() < 20))
    seconds.push_back(Seconds(run));
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], static_cast<int>(seconds.size())};
}

// The peak resident memory of the process since the last reset, as reported by the kernel.
int64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

void ResetPeakResidentBytes() { std::ofstream("/proc/self/clear_refs") << "5"; }

// The limits of this machine with the threads in use, measured now.
struct Limits {
  double copy_rate;    // bytes per second of a memory copy, read plus written
  double matrix_rate;  // flops per second in large f32 matrix products
};

Limits MeasureLimits() {
  const int64_t size = int64_t{1} << (OnGpu() ? 28 : 25), side = OnGpu() ? 8192 : 1024;
  const Tensor from = Tensor::Zeros({size}, DType::kF32, TheDevice()), to = Tensor::EmptyLike(from);
  const Tensor a = Normal({side, side}), b = Normal({side, side}), c = Tensor::EmptyLike(a);
  Limits limits{};
  DispatchDevice("limits", TheDevice(), [&](auto device) {
    const auto copy = [&] {
      kernels::UnaryForward(device, kernels::Unary::kAffine, size, 2.0f, 0.0f, from.data<float>(), to.data<float>());
    };
    const auto multiply = [&] {
      kernels::MatMul(device, kernels::Transpose::kNo, kernels::Transpose::kNo, side, side, side, a.data<float>(),
                      b.data<float>(), 0.0f, c.data<float>());
    };
    limits = {2.0 * static_cast<double>(size) * sizeof(float) / Time(copy, 7).median,
              2.0 * std::pow(static_cast<double>(side), 3) / Time(multiply, 9).median};
  });
  return limits;
}

// Names of the same work in PyTorch, by our names.
const std::map<std::string, std::string>& PeerNames() {
  static const std::map<std::string, std::string> names = {
      {"nbody_paper_step", "nbody"},
      {"nbody_paper_step_graph", "nbody"},
      {"exp_classify_step", "exp"},
      {"pattern_vit_tiny_step", "pattern --backbone tiny --batch 8"},
      {"peptides_vit_tiny_step", "peptides --backbone tiny --batch 8"},
      {"sinkhorn_1000x188", "sinkhorn"}};
  return names;
}

// The field median_step_s of the JSON line that COMMAND bench NAME --device D --threads T prints.
double PeerSeconds(const std::string& command, const std::string& name) {
  const std::string whole = command + " bench " + name + " --device " + (OnGpu() ? "cuda" : "cpu") + " --threads " +
                            std::to_string(kernels::NumThreads());
  FILE* pipe = popen(whole.c_str(), "r");
  Check(pipe, "cannot run ", whole);
  std::string output;
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), pipe)) output.append(buffer, count);
  const int status = pclose(pipe);
  const size_t begin = output.find('{');
  Check(status == 0 && begin != std::string::npos, "the peer failed: ", whole);
  return nlohmann::json::parse(output.substr(begin), nullptr, /*allow_exceptions=*/true).at("median_step_s");
}

// On processors with 512-bit vectors, OpenBLAS's kernels for 256-bit vectors run at half speed.
void WarnOfNarrowCore(const std::string& core) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  bool wide = false;
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("flags")) wide = line.find(" avx512f") != std::string::npos;
  const bool uses_wide = core == "SkylakeX" || core == "Cooperlake" || core == "Sapphirerapids";
  const char* forced = std::getenv("OPENBLAS_CORETYPE");
  if (wide && !uses_wide)
    std::cerr << "bench: OpenBLAS uses its kernels for " << core
              << ", which do not use this processor's 512-bit vectors"
              << (forced ? std::string("; OPENBLAS_CORETYPE=") + forced + " forces them: unset it" : "") << std::endl;
  else if (forced)
    std::cerr << "bench: OPENBLAS_CORETYPE=" << forced << " chooses OpenBLAS's kernels: " << core << std::endl;
}

int Run(const std::string& filter, int repeats, bool list, const std::string& peer, const std::string& precision,
        const DeviceOptions& device) {
  TheDevice() = ApplyDeviceOptions(device);
  const Autocast scope(ParsePrecision(precision));
  std::vector<Benchmark> chosen;
  std::regex pattern;
  try {
    pattern = std::regex(filter);
  } catch (const std::regex_error&) {
    Fail("--filter ", filter, " is no regular expression");
  }
  for (Benchmark& benchmark : MakeBenchmarks())
    if (std::regex_search(benchmark.name, pattern)) chosen.push_back(std::move(benchmark));
  Check(!chosen.empty(), "no benchmark is called like '", filter, "'; --list names them");
  if (list) {
    for (const Benchmark& benchmark : chosen) std::printf("%-38s %s\n", benchmark.name.c_str(), benchmark.help.c_str());
    return 0;
  }
  const std::string core = kernels::HostMatMulCore();
  WarnOfNarrowCore(core);
  const Limits limits = MeasureLimits();
  const auto print = [](const ordered_json& line) { std::cout << line.dump() << std::endl; };
  print({{"name", "limits"},
         {"device", DescribeDevice(TheDevice())},
         {"precision", precision},
         {"threads", kernels::NumThreads()},
         {"openblas_core", core},
         {"copy_bytes_per_s", limits.copy_rate},
         {"matrix_flops_per_s", limits.matrix_rate}});
  for (const Benchmark& benchmark : chosen) {
    const bool on_host = TheDevice() == Device{};
    on_host ? ResetPeakResidentBytes() : ResetPeakMemory(TheDevice());
    const auto peak = [&] {
      return on_host ? PeakResidentBytes() : GetMemoryStatistics(TheDevice()).peak_bytes_in_use;
    };
    const int64_t before = peak();
    const Timing timing = Time(benchmark.prepare(), repeats);
    ordered_json line = {{"name", benchmark.name}, {"median_s", timing.median}, {"repeats", timing.repeats}};
    line["peak_bytes"] = peak() - before;
    if (benchmark.flops > 0) {
      line["flops"] = benchmark.flops;
      line["share_of_matrix_rate"] = benchmark.flops / timing.median / limits.matrix_rate;
    }
    if (benchmark.bytes > 0) {
      line["bytes"] = benchmark.bytes;
      line["share_of_copy_rate"] = benchmark.bytes / timing.median / limits.copy_rate;
    }
    if (const auto name = PeerNames().find(benchmark.name); !peer.empty() && name != PeerNames().end()) {
      const double seconds = PeerSeconds(peer, name->second);
      line["peer_s"] = seconds;
      line["times_as_fast"] = seconds / timing.median;
    }
    print(line);
  }
  return 0;
}

// launch -n 2 -- bench distributed: a line of JSON for what the ranks do together.
class DistributedBenchmark {
 public:
  void AddTo(CLI::App& app) {
    command_ = app.add_subcommand(
        "distributed",
        "times sums over ranks and training steps that share a batch; to be started by launch, srun ... Every rank has "
        "as many rows, so that without communication the time of a step would not depend on the number of ranks");
    command_->add_option("--model", options_.model, "whose steps: egnn, transformer or mlp")->capture_default_str();
    command_->add_option("--rows", options_.rows, "of the batch, for every rank")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    command_->add_option("--steps", options_.steps, "to be timed")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    command_->add_option("--bucket-bytes", options_.bucket_bytes, "of gradients that are summed in one operation")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
        ->capture_default_str();
    AddDeviceOptions(*command_, device_);
    AddDistributedOptions(*command_, ranks_);
  }
  bool chosen() const { return command_->parsed(); }
  int Run() const {
    const CommunicatorOptions found = FindCommunicatorOptions(ranks_);
    TheDevice() = ApplyDeviceOptions(device_, found.ranks.local_rank);
    const auto ranks = MakeCommunicator(found, TheDevice());
    MeasureDistributed(*ranks, options_, [&](const ordered_json& line) {
      if (ranks->rank() == 0) std::cout << line.dump() << std::endl;
    });
    return 0;
  }

 private:
  CLI::App* command_ = nullptr;
  DistributedBenchmarkOptions options_;
  DeviceOptions device_;
  DistributedOptions ranks_;
};

int Main(int argc, char** argv) {
  CLI::App app(
      "Times pieces of the models and whole training steps. A JSON line each: the median time, the least work there is "
      "to do, and what share of this device's rates, measured at the start, that makes. peak_bytes is the memory that "
      "the process grew by, on a GPU what was in use beyond what was before. GPUs are timed by their own events, with "
      "the second cache overwritten before each repeat.");
  std::string filter;
  int repeats = 20;
  bool list = false;
  DeviceOptions device;
  app.add_option("--filter", filter, "a regular expression; benchmarks whose name it matches are run");
  app.add_option("--repeats", repeats, "of each, or as many as fit in 20 s, at least 3")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_flag("--list", list, "name the benchmarks");
  std::string peer;
  app.add_option(
      "--peer", peer,
      "a command that times the same work in PyTorch, as 'python3 lps_torch.py': called as COMMAND bench NAME "
      "--device D --threads T, it prints a JSON object with median_step_s");
  std::string precision = "f32";
  app.add_option("--precision", precision, "of base functions and single operations: f32, tf32 or bf16")
      ->check(CLI::IsMember({"f32", "tf32", "bf16"}))
      ->capture_default_str();
  AddDeviceOptions(app, device);
  DistributedBenchmark distributed;
  distributed.AddTo(app);
  CLI11_PARSE(app, argc, argv);
  if (distributed.chosen()) return distributed.Run();
  return Run(filter, repeats, list, peer, precision, device);
}

const Program program("bench", Main);

}  // namespace
}  // namespace orbit
