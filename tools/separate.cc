// Counts the pairs of graphs that a model does not tell apart. See --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "data/graph/graph_sets.h"
#include "data/graph/own_graphs.h"
#include "tools/common/launch.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/report/figure.h"
#include "tools/separation/criteria.h"
#include "tools/separation/separation_result.h"

namespace orbit {
namespace {

struct Arguments {
  std::string dataset = "graph8c", data = "GRAPHSAT.pkl", output;
  std::string model = "mlp", distribution = "learned", criterion = "sound";
  SeparationOptions options;
  LaunchOptions launch;
};

std::vector<Graph> FindGraphs(const Arguments& arguments) {
  if (arguments.dataset == "graph8c") return EnumerateGraph8c();
  if (arguments.dataset == "exp") return ReadExp(UserPath(arguments.data));
  return ReadGraphs(UserPath(arguments.dataset));
}

// The models of Kim et al. 2023, section 3.1: an embedding of 10 numbers, tanh throughout. The MLP sees the nodes'
// features beside the adjacency where there is something to see: nodes that have labels, or are padding.
GraphModelOptions ModelFor(const Arguments& arguments, const std::vector<Graph>& graphs, int64_t nodes) {
  const bool exp = arguments.dataset == "exp";
  GraphModelOptions options;
  options.model = arguments.model;
  options.distribution = arguments.distribution;
  options.base.n = exp ? 64 : nodes;
  options.base.node_features = std::any_of(graphs.begin(), graphs.end(), [&](const Graph& graph) {
    return graph.n < options.base.n || !graph.labels.empty();
  });
  if (!exp) options.base.widths = {128, 64};
  options.base.head.outputs = 0;
  options.base.head.activation = Activation::kTanh;
  return options;
}

// Where the result and its figure go; before the work, so that no result is
// lost.
std::filesystem::path MakeOutput(const Arguments& arguments) {
  std::string name = "separate-" + std::filesystem::path(arguments.dataset).stem().string() + "-" + arguments.model;
  if (!IsTailored(arguments.model)) name += "-" + arguments.distribution;
  if (arguments.criterion == "published") name += "-published";
  const std::filesystem::path path = UserPath(arguments.output.empty() ? "runs/" + name : arguments.output);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  Check(!error, "cannot make the directory ", path.string(), ": ", error.message());
  return path;
}

void Print(const Separation& separation, const Arguments& arguments) {
  for (const auto& [a, b] : separation.first_isomorphic)
    std::printf("graphs %ld and %ld are never told apart: they are isomorphic\n", a, b);
  for (const auto& [a, b] : separation.first_undecided) std::printf("graphs %ld and %ld are never told apart\n", a, b);
  if (arguments.criterion == "sound") {
    const bool tailored = IsTailored(arguments.model);
    const int64_t others = separation.left - separation.isomorphic;
    if (IsDeterministic(arguments.options.model))
      std::printf("%ld of the pairs are isomorphic, %ld others are the same for all of %ld initialisations\n",
                  separation.isomorphic, others, separation.rounds);
    else
      std::printf("%ld of the pairs are isomorphic, %ld undecided after %ld rounds, the last of %ld samples a graph\n",
                  separation.isomorphic, others, separation.rounds, separation.samples);
    std::printf("control: %ld of %ld graphs are told apart from renumbered copies of theirs%s\n",
                separation.controls_apart, separation.controls,
                separation.controls_apart == 0                       ? ""
                : !tailored && arguments.distribution == "canonical" ? ", for ties between nodes are broken at random"
                : !tailored && arguments.distribution == "frame"
                    ? ", for the frame's spectrum is rounded, and close to a bound of rounding the numbering decides"
                    : ": the model is not invariant");
  } else if (separation.left == 0) {
    std::printf("all pairs are told apart after %ld of %ld initialisations\n", separation.rounds,
                arguments.options.seeds);
  }
}

int Separate(Arguments arguments) {
  SeparationOptions& options = arguments.options;
  options.device = Launch(arguments.launch);
  const std::filesystem::path output = MakeOutput(arguments);
  const std::vector<Graph> graphs = FindGraphs(arguments);
  const int64_t nodes = LargestGraph(graphs);
  Check(graphs.size() >= 2 && nodes >= 1, arguments.dataset, ": there is nothing to tell apart in ", graphs.size(),
        " graphs of at most ", nodes, " nodes");
  options.in_pairs = arguments.dataset == "exp";
  options.model = ModelFor(arguments, graphs, nodes);
  const Separation separation =
      arguments.criterion == "sound" ? SeparateSoundly(graphs, options) : SeparateAsPublished(graphs, options);
  Print(separation, arguments);
  std::printf("%s\n", output.c_str());
  std::printf("%ld pairs never told apart of %ld\n", separation.left, separation.total);
  std::fflush(stdout);  // the answer is out, whatever becomes of the files
  WriteSeparationResult(
      {.dataset = arguments.dataset,
       .model = arguments.model,
       .distribution = arguments.distribution,
       .criterion = arguments.criterion,
       .seeds = separation.samples > 1 && arguments.criterion == "sound" ? separation.rounds : options.seeds,
       .samples = separation.samples,
       .left = separation.left,
       .total = separation.total,
       .isomorphic = separation.isomorphic,
       .controls = separation.controls,
       .controls_apart = separation.controls_apart},
      output / kSeparationResultFile);
  DrawFigureOrWarn({.title = "Pairs not told apart of " + std::to_string(separation.total),
                    .x_label = "initialisations",
                    .y_label = "pairs",
                    .log_y = false,
                    .series = {{.name = IsTailored(arguments.model) ? arguments.model
                                                                    : arguments.model + ", " + arguments.distribution,
                                .points = separation.left_by_round}}},
                   output / "pairs.svg");
  return 0;
}

constexpr char kHelp[] =
    "Counts the pairs of graphs that a model does not tell apart.\n\nBy the criterion `sound` no graph is told from "
    "itself, except under distributions that are not invariant: canonical, which breaks ties at random, and frame, "
    "whose "
    "spectrum is rounded; a control tells how often. Isomorphic pairs are named, and never told apart. Where a graph's "
    "embedding is exact (networks that are "
    "invariant by themselves, minimal_frame, canonical), it is computed in f64, and two differ by more than 1e-9 of "
    "the largest coordinate or not at all, for some initialisation. Else every graph's mean embedding gets a "
    "confidence interval a coordinate, valid for any number of samples; disjoint intervals tell apart, and the error "
    "rate is that of the whole run. Every round takes another initialisation and twice the samples, for the graphs in "
    "pairs that are undecided, until there are none or the time is up. As a control, graphs are compared with "
    "renumbered copies of theirs.\n\nBy the criterion `published`, that of the paper, graphs are told apart whose mean "
    "embeddings are for some initialisation farther from each other than the threshold, in the l1 norm. The error of "
    "the samples counts as difference: a graph may be told from itself.";

int Main(int argc, char** argv) {
  CLI::App app(kHelp);
  Arguments arguments;
  SeparationOptions& options = arguments.options;
  app.add_option("--dataset", arguments.dataset,
                 "graph8c (the connected graphs on 8 nodes, from nauty-geng), exp, or your own: a file of graph6, "
                 "sparse6 or digraph6 lines or an edge list (*.edges), or a folder of such files")
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
  app.add_option("--criterion", arguments.criterion, "of when graphs are told apart: sound or published")
      ->check(CLI::IsMember({"sound", "published"}))
      ->capture_default_str();
  app.add_option("--seeds", options.seeds, "initialisations")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--samples", options.samples,
                 "permutations a graph, in the first round (canonical, and networks invariant by themselves: one)")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--threshold", options.threshold, "published: l1 distance beyond which graphs are told apart")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--error-rate", options.error_rate,
                 "sound: the largest probability that any graphs with the same mean embedding are told apart")
      ->check(CLI::Range(1e-12, 0.5))
      ->capture_default_str();
  app.add_option("--time-limit", options.seconds,
                 "sound, for sampled distributions: seconds after which no further round begins")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--output", arguments.output,
                 "the directory for the result and a figure of the pairs left by initialisation (default: "
                 "runs/separate-DATASET-MODEL-DISTRIBUTION, with -published for that criterion)");
  AddLaunchOptions(app, arguments.launch);
  CLI11_PARSE(app, argc, argv);
  if (arguments.distribution == "canonical" || IsTailored(arguments.model)) options.samples = 1;
  return Separate(std::move(arguments));
}

const Program program("separate", Main);

}  // namespace
}  // namespace orbit
