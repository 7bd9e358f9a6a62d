// Counts the pairs of graphs that no random initialisation of a model tells apart. See --help.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <utility>
#include <vector>

#include "data/graph/graph_sets.h"
#include "data/graph/own_graphs.h"
#include "models/graph_model.h"
#include "tools/common/launch.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/report/figure.h"
#include "tools/report/progress.h"
#include "tools/report/separation_result.h"

namespace orbit {
namespace {

constexpr int64_t kRowsAtOnce = 5000;     // graphs times samples
constexpr int64_t kPairsAtOnce = 500000;  // of nodes, for networks on them

struct Arguments {
  std::string dataset = "graph8c", data = "GRAPHSAT.pkl", output;
  std::string model = "mlp", distribution = "learned";
  int64_t seeds = 100, samples = 10;
  double threshold = 1e-3;
  LaunchOptions launch;
};

struct Pair {
  int32_t first, second;
};

std::vector<Graph> FindGraphs(const Arguments& arguments) {
  if (arguments.dataset == "graph8c") return EnumerateGraph8c();
  if (arguments.dataset == "exp") return ReadExp(UserPath(arguments.data));
  return ReadGraphs(UserPath(arguments.dataset));
}

// The models of Kim et al. 2023, section 3.1: an embedding of 10 numbers, tanh throughout.
GraphModelOptions OptionsFor(const Arguments& arguments, int64_t nodes) {
  const bool exp = arguments.dataset == "exp";
  GraphModelOptions options;
  options.model = arguments.model;
  options.distribution = arguments.distribution;
  options.base.n = exp ? 64 : nodes;
  options.base.node_features = exp;
  if (!exp) options.base.widths = {128, 64};
  options.base.head.outputs = 0;
  options.base.head.activation = Activation::kTanh;
  return options;
}

// [graphs, embedding]
std::vector<float> Embed(const Arguments& arguments, const std::vector<Graph>& graphs, const GraphModelOptions& options,
                         int64_t seed, Device device) {
  NoGrad no_grad;
  Generator generator(static_cast<uint64_t>(seed));
  const std::unique_ptr<Model> model = MakeGraphModel(options, generator);
  model->To(device);
  model->Eval();
  const auto count = static_cast<int64_t>(graphs.size());
  int64_t at_once = std::max<int64_t>(1, kRowsAtOnce / arguments.samples);
  if (arguments.model == "ppgn")
    at_once = std::clamp<int64_t>(kPairsAtOnce / (options.base.n * options.base.n), 1, at_once);
  std::vector<float> embeddings;
  embeddings.reserve(count * options.base.head.embedding);
  const Generator start = generator;
  for (int64_t begin = 0; begin < count; begin += at_once) {
    std::vector<int64_t> numbers(std::min(at_once, count - begin));
    std::iota(numbers.begin(), numbers.end(), begin);
    const GraphBatch batch = MakeGraphBatch(graphs, numbers, options.base.n).To(device);
    const Features x = MakeGraphFeatures(batch.nodes, batch.edges, batch.num_nodes);
    generator = start.WithRows({begin, x.batch(), count});
    const std::vector<float> part = (*model)(x, arguments.samples, generator).output.value().ToVector<float>();
    embeddings.insert(embeddings.end(), part.begin(), part.end());
  }
  return embeddings;
}

class Separation {
 public:
  // All pairs; or, where the data set comes in pairs, those.
  Separation(int64_t graphs, bool in_pairs, int64_t width, double threshold)
      : graphs_(graphs), width_(width), threshold_(threshold), all_(!in_pairs) {
    if (in_pairs)
      for (int32_t g = 0; g + 1 < graphs; g += 2) together_.push_back({g, g + 1});
    total_ = in_pairs ? static_cast<int64_t>(together_.size()) : graphs * (graphs - 1) / 2;
  }

  // Drops the pairs that these embeddings tell apart.
  void Apply(const std::vector<float>& embeddings) {
    if (!all_) {
      std::erase_if(together_, [&](const Pair& pair) { return TellsApart(embeddings, pair); });
      return;
    }
    all_ = false;
    for (int32_t first = 0; first < graphs_; ++first)
      for (int32_t second = first + 1; second < graphs_; ++second)
        if (!TellsApart(embeddings, {first, second})) together_.push_back({first, second});
  }

  int64_t total() const { return total_; }
  int64_t left() const { return all_ ? total_ : static_cast<int64_t>(together_.size()); }
  const std::vector<Pair>& together() const { return together_; }

 private:
  bool TellsApart(const std::vector<float>& embeddings, const Pair& pair) const {
    const float* a = &embeddings[pair.first * width_];
    const float* b = &embeddings[pair.second * width_];
    double distance = 0;
    for (int64_t i = 0; i < width_ && distance <= threshold_; ++i) distance += std::abs(double{a[i]} - double{b[i]});
    return distance > threshold_;
  }

  int64_t graphs_, width_;
  double threshold_;
  bool all_;  // whether no pair has been told apart yet, and they need no list
  int64_t total_ = 0;
  std::vector<Pair> together_;
};

// Where the result and its figure go; before the work, so that no result is lost.
std::filesystem::path MakeOutput(const Arguments& arguments) {
  std::string name = "separate-" + std::filesystem::path(arguments.dataset).stem().string() + "-" + arguments.model;
  if (!IsTailored(arguments.model)) name += "-" + arguments.distribution;
  const std::filesystem::path path = UserPath(arguments.output.empty() ? "runs/" + name : arguments.output);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  Check(!error, "cannot make the directory ", path.string(), ": ", error.message());
  return path;
}

int Separate(const Arguments& arguments) {
  const Device device = Launch(arguments.launch);
  const std::filesystem::path output = MakeOutput(arguments);
  const std::vector<Graph> graphs = FindGraphs(arguments);
  const int64_t nodes = LargestGraph(graphs);
  Check(graphs.size() >= 2 && nodes >= 1, arguments.dataset, ": there is nothing to tell apart in ", graphs.size(),
        " graphs of at most ", nodes, " nodes");
  const GraphModelOptions options = OptionsFor(arguments, nodes);
  Separation separation(static_cast<int64_t>(graphs.size()), arguments.dataset == "exp", options.base.head.embedding,
                        arguments.threshold);
  Progress progress("seeds", arguments.seeds);
  Series curve{.name = IsTailored(arguments.model) ? arguments.model : arguments.model + ", " + arguments.distribution,
               .points = {}};
  // Pairs that were told apart stay so: with none left, further initialisations change nothing.
  for (int64_t seed = 0; seed < arguments.seeds && separation.left() > 0; ++seed) {
    separation.Apply(Embed(arguments, graphs, options, seed, device));
    curve.points.emplace_back(seed + 1, separation.left());
    progress.Update(seed + 1, std::to_string(separation.left()) + " pairs left");
  }
  progress.Finish();
  if (separation.left() == 0)
    std::printf("all pairs are told apart after %zu of %ld initialisations\n", curve.points.size(), arguments.seeds);
  for (size_t i = 0; i < std::min<size_t>(10, separation.together().size()); ++i)
    std::printf("graphs %d and %d are never told apart\n", separation.together()[i].first,
                separation.together()[i].second);
  WriteSeparationResult({.dataset = arguments.dataset,
                         .model = arguments.model,
                         .distribution = arguments.distribution,
                         .seeds = arguments.seeds,
                         .samples = arguments.samples,
                         .left = separation.left(),
                         .total = separation.total()},
                        output / kSeparationResultFile);
  DrawFigureOrWarn({.title = "Pairs not told apart of " + std::to_string(separation.total()),
                    .x_label = "initialisations",
                    .y_label = "pairs",
                    .log_y = false,
                    .series = {curve}},
                   output / "pairs.svg");
  std::printf("%s\n", output.c_str());
  std::printf("%ld pairs never told apart of %ld\n", separation.left(), separation.total());
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Counts the pairs of graphs that no random initialisation of a model tells apart: those whose embeddings never "
      "are "
      "farther from each other than the threshold, in the l1 norm.");
  Arguments arguments;
  app.add_option(
         "--dataset", arguments.dataset,
         "graph8c (the connected graphs on 8 nodes, from nauty-geng), exp, or your own: a file of graph6, sparse6 or "
         "digraph6 lines or an edge list (*.edges), or a folder of such files")
      ->capture_default_str();
  app.add_option("--data", arguments.data, "the published file of EXP")->capture_default_str();
  app.add_option("--model", arguments.model,
                 "a base function to symmetrize, mlp or gin_id; or a network invariant by itself: gcn, gat, gin, "
                 "chebnet or ppgn")
      ->check(CLI::IsMember({"mlp", "gin_id", "gcn", "gat", "gin", "chebnet", "ppgn"}))
      ->capture_default_str();
  app.add_option("--distribution", arguments.distribution,
                 "of a base function's permutations: learned, haar, frame, minimal_frame or canonical")
      ->check(CLI::IsMember({"learned", "haar", "frame", "minimal_frame", "canonical"}))
      ->capture_default_str();
  app.add_option("--seeds", arguments.seeds, "initialisations")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--samples", arguments.samples,
                 "permutations a graph (canonical, and networks invariant by themselves: one)")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--threshold", arguments.threshold, "l1 distance beyond which graphs are told apart")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--output", arguments.output,
                 "the directory for the result and a figure of the pairs left by initialisation (default: "
                 "runs/separate-DATASET-MODEL-DISTRIBUTION)");
  AddLaunchOptions(app, arguments.launch);
  CLI11_PARSE(app, argc, argv);
  if (arguments.distribution == "canonical" || IsTailored(arguments.model)) arguments.samples = 1;
  return Separate(arguments);
}

const Program program("separate", Main);

}  // namespace
}  // namespace orbit
