// Counts the pairs of graphs that a model does not tell apart. See --help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "tools/common/device_options.h"
#include "tools/common/number.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/report/figure.h"
#include "tools/separation/separation_cell.h"

namespace orbit {
namespace {

struct Arguments {
  SeparationCell cell;
  std::string output;
  SeparationOptions options;
  DeviceOptions device;
};

// Where the result and its figure go; before the work, so that no result is lost. Throws Error where there is one of
// other settings.
std::filesystem::path MakeOutput(const Arguments& arguments) {
  const std::filesystem::path path =
      UserPath(arguments.output.empty() ? "runs/separate-" + NameOf(arguments.cell) : arguments.output);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  Check(!error, "cannot make the directory ", path.string(), ": ", error.message());
  HasResult(path, arguments.cell, arguments.options);  // one of the same settings is replaced
  return path;
}

void Print(const Separation& separation, const Arguments& arguments) {
  for (const auto& [a, b] : separation.first_isomorphic)
    std::printf("graphs %ld and %ld are never told apart: they are isomorphic\n", a, b);
  for (const auto& [a, b] : separation.first_undecided) std::printf("graphs %ld and %ld are never told apart\n", a, b);
  if (arguments.cell.criterion == "sound") {
    const bool tailored = IsTailored(arguments.cell.model);
    const int64_t others = separation.left - separation.isomorphic;
    if (IsDeterministic(arguments.options.model))
      std::printf("%ld of the pairs are isomorphic, %ld others are the same for all of %ld initialisations\n",
                  separation.isomorphic, others, separation.rounds);
    else
      std::printf("%ld of the pairs are isomorphic, %ld undecided after %ld rounds, the last of %ld samples a graph\n",
                  separation.isomorphic, others, separation.rounds, separation.samples);
    std::printf("control: %ld of %ld graphs are told apart from renumbered copies of theirs%s\n",
                separation.controls_apart, separation.controls,
                separation.controls_apart == 0 ? ""
                : !tailored && arguments.cell.distribution == "canonical"
                    ? ", for ties between nodes are broken at random"
                : !tailored && arguments.cell.distribution == "frame"
                    ? ", for the frame's spectrum is rounded, and close to a bound of rounding the numbering decides"
                    : ": the model is not invariant");
  } else if (separation.left == 0) {
    std::printf("all pairs are told apart after %ld of %ld initialisations\n", separation.rounds,
                arguments.options.seeds);
  }
}

int Run(Arguments arguments) {
  SeparationOptions& options = arguments.options;
  options.device = ApplyDeviceOptions(arguments.device);
  const std::filesystem::path output = MakeOutput(arguments);
  const Separation separation = Separate(arguments.cell, options);
  Print(separation, arguments);
  std::printf("%s\n", output.c_str());
  std::printf("%ld pairs never told apart of %ld\n", separation.left, separation.total);
  std::fflush(stdout);  // the answer is out, whatever becomes of the files
  WriteSeparationResult(ResultOf(arguments.cell, options, separation), output / kSeparationResultFile);
  DrawFigureOrWarn(
      {.title = "Pairs not told apart of " + std::to_string(separation.total),
       .x_label = "initialisations",
       .y_label = "pairs",
       .log_y = false,
       .series = {{.name = IsTailored(arguments.cell.model) ? arguments.cell.model
                                                            : arguments.cell.model + ", " + arguments.cell.distribution,
                   .points = separation.left_by_round}}},
      output / "pairs.svg");
  return 0;
}

constexpr char kHelp[] =
    "Counts the pairs of graphs that a model does not tell apart.\n\nBy the criterion `sound` no graph is told from "
    "itself, except under distributions that are not invariant: canonical, which breaks ties at random, and frame, "
    "whose spectrum is rounded; a control tells how often. Isomorphic pairs are named, and never told apart. Where a "
    "graph's embedding is exact (networks that are invariant by themselves, minimal_frame, canonical), it is computed "
    "in f64, and two differ by more than 1e-9 of the largest coordinate or not at all, for some initialisation. Else "
    "every graph's mean embedding gets a confidence interval a coordinate, valid for any number of samples; disjoint "
    "intervals tell apart, and the error rate is that of the whole run. Every round takes another initialisation and "
    "twice the samples, for the graphs in pairs that are undecided, until there are none or the time is up. As a "
    "control, graphs are compared with renumbered copies of theirs.\n\nBy the criterion `published`, that of the "
    "paper, graphs are told apart whose mean "
    "embeddings are for some initialisation farther from each other than the threshold, in the l1 norm. The error of "
    "the samples counts as difference: a graph may be told from itself.";

int Main(int argc, char** argv) {
  CLI::App app(kHelp);
  Arguments arguments;
  SeparationOptions& options = arguments.options;
  app.add_option("--dataset", arguments.cell.dataset,
                 "graph8c (the connected graphs on 8 nodes, from nauty-geng), exp, or your own: a file of graph6, "
                 "sparse6 or digraph6 lines or an edge list (*.edges), or a folder of such files")
      ->capture_default_str();
  app.add_option("--data", arguments.cell.data, "the published file of EXP")->capture_default_str();
  app.add_option("--model", arguments.cell.model,
                 "a base function to symmetrize, mlp or gin_id; or a network invariant by itself: gcn, gat, gin, "
                 "chebnet or ppgn")
      ->check(CLI::IsMember({"mlp", "gin_id", "gcn", "gat", "gin", "chebnet", "ppgn"}))
      ->capture_default_str();
  app.add_option("--distribution", arguments.cell.distribution,
                 "of a base function's permutations: learned, haar, frame, minimal_frame or canonical")
      ->check(CLI::IsMember({"learned", "haar", "frame", "minimal_frame", "canonical"}))
      ->capture_default_str();
  app.add_option("--criterion", arguments.cell.criterion, "of when graphs are told apart: sound or published")
      ->check(CLI::IsMember({"sound", "published"}))
      ->capture_default_str();
  app.add_option("--seeds", options.seeds, "initialisations")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--samples", options.samples,
                 "permutations a graph, in the first round (canonical, and networks invariant by themselves: one)")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--threshold", options.threshold, "published: l1 distance beyond which graphs are told apart")
      ->check(NumberNotBelowZero())
      ->capture_default_str();
  app.add_option("--error-rate", options.error_rate,
                 "sound: the largest probability that any graphs with the same mean embedding are told apart")
      ->check(NumberIn(1e-12, 0.5))
      ->capture_default_str();
  app.add_option("--time-limit", options.seconds,
                 "sound, for sampled distributions: seconds after which no further round begins")
      ->check(NumberAboveZero())
      ->capture_default_str();
  app.add_option("--output", arguments.output,
                 "the directory for the result and a figure of the pairs left by initialisation (default: "
                 "runs/separate-DATASET-MODEL-DISTRIBUTION, with -published for that criterion)");
  AddDeviceOptions(app, arguments.device);
  CLI11_PARSE(app, argc, argv);
  return Run(std::move(arguments));
}

const Program program("separate", Main);

}  // namespace
}  // namespace orbit
