// Times the pieces of the models and whole training steps. See --help.
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

#include "engine/device.h"
#include "engine/dispatch.h"
#include "engine/ops/attention.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/message_passing.h"
#include "engine/ops/normalization.h"
#include "engine/ops/reduce.h"
#include "engine/optim/adam.h"
#include "groups/permuted_linear.h"
#include "groups/rotation.h"
#include "kernels/attention.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cuda/cudnn_attention.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "models/graph_model.h"
#include "models/nbody_model.h"
#include "tools/launch.h"

namespace orbit {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

struct Benchmark {
  std::string name, help;
  double bytes;                                    // that must be moved at least
  double flops;                                    // that must be done at least
  std::function<std::function<void()>()> prepare;  // returns what is timed
};

// Where everything here is computed.
Device& TheDevice() {
  static Device device;
  return device;
}

bool OnGpu() { return TheDevice().type == DeviceType::kCuda; }

// On a GPU the second cache is filled with something else before each run, as it is between the steps of a training.
double Seconds(const std::function<void()>& run) {
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

Timing Time(const std::function<void()>& run, int repeats) {
  Seconds(run);  // first touches, scratch memory
  std::vector<double> seconds;
  const auto start = Clock::now();
  while (static_cast<int>(seconds.size()) < repeats &&
         (seconds.size() < 3 || std::chrono::duration<double>(Clock::now() - start).count() < 20))
    seconds.push_back(Seconds(run));
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], static_cast<int>(seconds.size())};
}

// The largest number of bytes that the process held since the last reset, from the kernel.
int64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

void ResetPeakResidentBytes() { std::ofstream("/proc/self/clear_refs") << "5"; }

Tensor Normal(const Shape& shape) {
  static Generator generator(1);
  return generator.Normal(shape, 0, 1, DType::kF32, TheDevice());
}

// Graphs of 33 to 64 nodes with this density of edges.
Features RandomGraphs(int64_t graphs, int64_t n, double density, Generator& generator) {
  std::vector<std::vector<Edge>> edges(graphs);
  std::vector<int32_t> sizes(graphs);
  std::vector<float> nodes(graphs * n * 2, 0.0f);
  for (int64_t g = 0; g < graphs; ++g) {
    const std::vector<float> drawn = generator.Uniform({n * n + n + 1}, 0, 1).ToVector<float>();
    sizes[g] = static_cast<int32_t>(33 + static_cast<int64_t>(drawn.back() * static_cast<float>(n - 32)));
    for (int32_t i = 0; i < sizes[g]; ++i) {
      nodes[(g * n + i) * 2] = drawn[n * n + i] < 0.5f ? 0.0f : 1.0f;
      for (int32_t j = 0; j < i; ++j) {
        if (drawn[i * n + j] >= density) continue;
        edges[g].push_back({i, j});
        edges[g].push_back({j, i});
        for (const int32_t node : {i, j}) nodes[(g * n + node) * 2 + 1] += 1;
      }
    }
  }
  return MakeGraphFeatures(Tensor::From(nodes, {graphs, n, 2}, TheDevice()), MakeEdgeLists(n, edges).To(TheDevice()),
                           Tensor::From(sizes, {graphs}, TheDevice()));
}

// A training step of a model: forward, backward, Adam.
std::function<void()> TrainingStep(std::shared_ptr<nn::Module> model, double clip, std::function<Variable()> loss) {
  model->To(TheDevice());
  auto optimizer = std::make_shared<optim::Adam>(model->NamedParameters());
  return [model, clip, loss = std::move(loss), optimizer] {
    optimizer->ZeroGrad();
    loss().Backward();
    optimizer->Step(1e-4, optim::SquaredGradientNorm(optimizer->parameters()), clip);
  };
}

std::function<void()> NBodyStep() {
  auto generator = std::make_shared<Generator>(0);
  auto model = std::make_shared<NBodyModel>(NBodyModelOptions{}, *generator);
  const ParticleBatch batch = {Normal({100, 5, 3, 2}), Normal({100, 5, 5, 2}), Normal({100, 5, 3})};
  return TrainingStep(model, 0, [=, model = model.get()] {
    const auto result = model->Forward(batch, 20, *generator);
    return Add(MseLoss(result.prediction, batch.target), Scale(result.entropy, 0.1));
  });
}

std::function<void()> ExpClassifyStep() {
  auto generator = std::make_shared<Generator>(0);
  std::shared_ptr<GraphModel> model = MakeGraphModel({}, *generator);
  const Features x = RandomGraphs(100, 64, 0.08, *generator);
  const Tensor target = generator->Uniform({100, 1}, 0, 2).To(DType::kI32).To(DType::kF32).To(TheDevice());
  return TrainingStep(model, 0.1, [=, model = model.get()] {
    const auto result = model->Forward(x, model->DrawNoise(x, 10, *generator), *generator);
    return Add(BceWithLogitsLoss(result.output, target), Scale(result.entropy, 0.1));
  });
}

// Forward and backward of sum(y g) for a fixed g.
std::function<void()> BothWays(std::vector<Variable> inputs, std::function<Variable()> operation) {
  const Variable result = operation();
  const Tensor gradient = Normal(result.shape()).To(result.dtype());
  return [=, inputs = std::move(inputs), operation = std::move(operation)] {
    for (const Variable& input : inputs) input.ZeroGrad();
    operation().Backward(gradient);
  };
}

// Attention of projected queries, keys and values, forward and backward. Elements: projected and the result, both of
// them again, their gradients. Flops: two products forward, five backward.
Benchmark AttentionBothWays(std::string name, std::string help, const kernels::AttentionShape& shape, DType dtype) {
  const double elements = static_cast<double>(shape.rows() * shape.width());
  return {std::move(name), std::move(help), 12 * elements * static_cast<double>(SizeOf(dtype)),
          14 * elements * static_cast<double>(shape.tokens), [=] {
            const Variable projected(Normal({shape.sequences, shape.tokens, 3 * shape.width()}).To(dtype), true);
            return BothWays({projected}, [=] { return ScaledDotProductAttention(projected, shape.heads); });
          }};
}

#ifdef ORBIT_CUDA
// The same in bf16 by cuDNN.
std::function<void()> CudnnAttention(const kernels::AttentionShape& shape) {
  const auto draw = [&](int64_t parts) {
    return Normal({shape.sequences, shape.tokens, parts * shape.width()}).To(DType::kBF16);
  };
  const Tensor projected = draw(3), dy = draw(1), y = Tensor::EmptyLike(dy), dprojected = Tensor::EmptyLike(projected),
               log_sums = Tensor::Empty({shape.sequences, shape.heads, shape.tokens}, DType::kF32, TheDevice());
  return [=] {
    const kernels::Cuda stream = StreamOf(TheDevice());
    kernels::CudnnAttentionForward(stream, shape, projected.data<BFloat16>(), y.data<BFloat16>(),
                                   log_sums.data<float>());
    kernels::CudnnAttentionBackward(stream, shape, projected.data<BFloat16>(), y.data<BFloat16>(),
                                    log_sums.data<float>(), dy.data<BFloat16>(), dprojected.data<BFloat16>());
  };
}
#endif

// What only a GPU is fast enough for.
std::vector<Benchmark> GpuBenchmarks() {
  const kernels::AttentionShape shape = {.sequences = 128, .tokens = 197, .heads = 12, .channels = 64};
  const Benchmark ours = AttentionBothWays(
      "attention_197x12x64_bf16", "attention, forward and backward, 128 sequences of 197 tokens, 12 heads of 64", shape,
      DType::kBF16);
  std::vector<Benchmark> benchmarks = {ours};
#ifdef ORBIT_CUDA
  benchmarks.push_back({"attention_197x12x64_bf16_cudnn", "the same by cuDNN", ours.bytes, ours.flops,
                        [=] { return CudnnAttention(shape); }});
#endif
  return benchmarks;
}

std::vector<Benchmark> Benchmarks() {
  const double f = sizeof(float);
  return {
      {"nbody_paper_step", "a training step of nbody_paper: batch 100, 20 samples", 0, 66e9, NBodyStep},
      {"exp_classify_step", "a training step of exp_classify_mlp_ps: batch 100, 10 samples", 0, 109e9, ExpClassifyStep},
      {"sinkhorn_1000x188", "SoftSort with 20 Sinkhorn iterations, forward and backward, 1,000 x 188 nodes",
       // P written, dP read.
       2 * 1000 * 188.0 * 188 * f, 0,
       [] {
         const Variable scores(Normal({100, 10, 188}), true);
         const Tensor counts = Tensor::Full({100}, 188, DType::kI32, TheDevice());
         return BothWays({scores}, [=] { return SoftSort(scores, counts, {.tau = 0.01}).soft; });
       }},
      {"permutation_entropy_2000x5", "the entropy regulariser, forward and backward", 3 * 2000 * 25 * f, 0,
       [] {
         const Variable soft(Exp(Normal({100, 20, 5, 5})).value(), true);
         const Tensor counts = Tensor::Full({100}, 5, DType::kI32, TheDevice());
         const Permutation permutation{Tensor::Zeros({100, 20, 5}, DType::kI32, TheDevice()), soft, true};
         return BothWays({soft}, [=] { return PermutationEntropy(permutation, counts); });
       }},
      {"gram_schmidt_2000", "orthonormal frames, forward and backward", 5 * 2000 * 9 * f, 0,
       [] {
         const Variable frames(Normal({100, 20, 3, 3}), true);
         return BothWays({frames}, [=] { return GramSchmidt(frames, false); });
       }},
      {"permute_2000x5x5", "pairs of nodes renumbered for 20 samples, forward and backward with straight-through",
       (100 * 50 * 2 + 2000 * 50 * 2 + 2000 * 25) * f, 2 * 2 * 2000.0 * 5 * 5 * 10,
       [] {
         const Variable scores(Normal({100, 20, 5}), true), pairs(Normal({100, 5, 5, 2}), true);
         const Tensor counts = Tensor::Full({100}, 5, DType::kI32, TheDevice());
         Permutation permutation = SoftSort(scores, counts, {.tau = 0.1});
         permutation.soft = Variable(permutation.soft.value(), true);
         return BothWays({pairs, permutation.soft}, [=] { return ActInverse(permutation, 2, pairs); });
       }},
      {"message_sum_65000x64", "GIN's aggregation on 1,000 graphs of 64 nodes and a hub, forward and backward",
       4 * 1000 * 65.0 * 64 * f, 0,
       [] {
         Generator generator(2);
         const Features graphs = RandomGraphs(100, 64, 0.08, generator);
         const Variable x(Normal({100, 10, 65, 64}), true), eps(Normal({1}), true);
         return BothWays({x, eps}, [=] { return MessageSumWithHub(x, eps, graphs.edges, graphs.num_nodes); });
       }},
      {"permuted_linear_1000x2048", "the first layer of an MLP on permuted graphs from their edges, forward",
       (4224 * 2048.0 + 1000 * 2048) * f, 2 * 1000 * 190.0 * 2048,
       [] {
         Generator generator(2);
         const Features graphs = RandomGraphs(100, 64, 0.08, generator);
         const Tensor scores = generator.Normal({100, 10, 64}, 0, 1, DType::kF32, TheDevice());
         const Permutation permutation = Sort(scores, graphs.num_nodes);
         const Tensor weight = Normal({2048, 64 * 2 + 64 * 64}), bias = Normal({2048});
         return std::function<void()>([=] {
           const NoGrad no_grad;
           PermutedLinear(permutation, graphs.features[0].value.value(), graphs.edges, weight, bias);
         });
       }},
      AttentionBothWays("attention_25x4x16",
                        "attention of nbody, forward and backward, 2,000 sequences of 25 tokens, 4 heads of 16",
                        {.sequences = 2000, .tokens = 25, .heads = 4, .channels = 16}, DType::kF32),
      {"layer_norm_50000x64", "forward and backward", 5 * 50000 * 64.0 * f, 0,
       [] {
         const Variable x(Normal({50000, 64}), true), weight(Normal({64}), true), bias(Normal({64}), true);
         return BothWays({x, weight, bias}, [=] { return LayerNorm(x, weight, bias); });
       }},
      {"gelu_3200000", "forward and backward", 5 * 3.2e6 * f, 0,
       [] {
         const Variable x(Normal({3200000}), true);
         return BothWays({x}, [=] { return Gelu(x); });
       }},
      {"linear_50000x64x192", "with bias, forward and backward", 0, 3 * 2 * 50000.0 * 64 * 192,
       [] {
         const Variable x(Normal({50000, 64}), true), weight(Normal({192, 64}), true), bias(Normal({192}), true);
         return BothWays({x, weight, bias}, [=] { return Linear(x, weight, bias); });
       }},
      {"adam_19000000", "a step on as many parameters", 7 * 1.9e7 * f, 0,
       [] {
         const Variable parameter(Normal({19000000}), true);
         parameter.set_grad(Normal({19000000}));
         auto optimizer = std::make_shared<optim::Adam>(std::vector<NamedVariable>{{"parameter", parameter}});
         return std::function<void()>([optimizer] { optimizer->Step(1e-3); });
       }},
  };
}

// What this machine can do with the threads in use, measured now.
struct Limits {
  double copy_rate;    // bytes a second, read and written, in memory
  double matrix_rate;  // flops a second in large f32 matrix products
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

// The same work in PyTorch: its name there, by ours.
const std::map<std::string, std::string>& PeerNames() {
  static const std::map<std::string, std::string> names = {
      {"nbody_paper_step", "nbody"}, {"exp_classify_step", "exp"}, {"sinkhorn_1000x188", "sinkhorn"}};
  return names;
}

// What COMMAND bench NAME --device D --threads T says in its JSON line as median_step_s.
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

// OpenBLAS's kernels for 256-bit vectors on a processor with 512-bit ones lose half of its rate.
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

int Run(const std::string& filter, int repeats, bool list, const std::string& peer, const LaunchOptions& launch) {
  TheDevice() = Launch(launch);
  std::vector<Benchmark> chosen;
  std::regex pattern;
  try {
    pattern = std::regex(filter);
  } catch (const std::regex_error&) {
    Fail("--filter ", filter, " is no regular expression");
  }
  std::vector<Benchmark> all = Benchmarks();
  if (OnGpu())
    for (Benchmark& benchmark : GpuBenchmarks()) all.push_back(std::move(benchmark));
  for (Benchmark& benchmark : all)
    if (std::regex_search(benchmark.name, pattern)) chosen.push_back(std::move(benchmark));
  Check(!chosen.empty(), "no benchmark is called like '", filter, "'; --list names them");
  if (list) {
    for (const Benchmark& benchmark : chosen) std::printf("%-28s %s\n", benchmark.name.c_str(), benchmark.help.c_str());
    return 0;
  }
  const std::string core = kernels::HostMatMulCore();
  WarnOfNarrowCore(core);
  const Limits limits = MeasureLimits();
  const auto print = [](const ordered_json& line) { std::cout << line.dump() << std::endl; };
  print({{"name", "limits"},
         {"device", DescribeDevice(TheDevice())},
         {"precision", launch.precision},
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

int Main(int argc, char** argv) {
  CLI::App app(
      "Times pieces of the models and whole training steps. A JSON line each: the median time, the least work there is "
      "to do, and what share of this device's rates, measured at the start, that makes. peak_bytes is the memory that "
      "the process grew by, on a GPU what was in use beyond what was before. GPUs are timed by their own events, with "
      "the second cache overwritten before each repeat.");
  std::string filter;
  int repeats = 20;
  bool list = false;
  LaunchOptions launch;
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
  AddLaunchOptions(app, launch);
  CLI11_PARSE(app, argc, argv);
  return Run(filter, repeats, list, peer, launch);
}

}  // namespace
}  // namespace orbit

int main(int argc, char** argv) {
  return orbit::RunProgram("bench", [&] { return orbit::Main(argc, argv); });
}
