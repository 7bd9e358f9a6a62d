// Draws graphs with symmetries, their nodes coloured by a model's outputs. See --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "engine/io/atomic_file.h"
#include "tools/common/device_options.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/report/graph_picture.h"
#include "tools/report/inner_symmetry.h"

namespace orbit {
namespace {

struct Arguments {
  int64_t samples = 100;
  uint64_t seed = 0;
  std::string out = "automorphism.svg";
  DeviceOptions device;
};

GraphColumn MakeColumn(const InnerSymmetricGraph& graph, const NodeOutputs& learned, const NodeOutputs& canonical) {
  GraphColumn column{.title = graph.name,
                     .subtitle = graph.automorphisms + ", " + std::to_string(graph.order) +
                                 (graph.order == 1 ? " automorphism" : " automorphisms"),
                     .graph = graph.graph};
  // Both models share a scale. With separate scales the nodes of each would span all colours, even if only by chance.
  const auto [learned_low, learned_high] = std::minmax_element(learned.mean.begin(), learned.mean.end());
  const auto [canonical_low, canonical_high] = std::minmax_element(canonical.mean.begin(), canonical.mean.end());
  column.low = std::min(*learned_low, *canonical_low);
  column.high = std::max(*learned_high, *canonical_high);
  column.colours.resize(3);
  for (size_t i = 0; i < graph.orbits.size(); ++i) {
    column.marks.emplace_back(1, static_cast<char>('a' + graph.orbits[i]));
    column.colours[0].push_back(CategoryColour(graph.orbits[i]));
    const auto colour = [&](double value) { return ColourOf((value - column.low) / (column.high - column.low)); };
    column.colours[1].push_back(colour(learned.mean[i]));
    column.colours[2].push_back(colour(canonical.mean[i]));
  }
  return column;
}

int Draw(const Arguments& arguments) {
  const Device device = ApplyDeviceOptions(arguments.device);
  const std::vector<InnerSymmetricGraph> graphs = InnerSymmetricGraphs();
  const auto compute = [&](const char* distribution) {
    return ComputeNodeOutputs(graphs, distribution, arguments.samples, arguments.seed, device);
  };
  const std::vector<NodeOutputs> learned = compute("learned"), canonical = compute("canonical");
  GraphPicture picture{.title = "Node outputs of a symmetrized MLP (nodes of one orbit share a letter)",
                       .rows = {"orbits", "PS, " + std::to_string(arguments.samples) + " samples", "canonicalization"}};
  std::printf("largest difference between the outputs of two nodes of an orbit\n%-12s %-8s %9s %20s %17s\n", "graph",
              "group", "PS", "(in standard errors)", "canonicalization");
  double learned_largest = 0, canonical_largest = 0;
  for (size_t g = 0; g < graphs.size(); ++g) {
    picture.columns.push_back(MakeColumn(graphs[g], learned[g], canonical[g]));
    const OrbitDifference sampled = DifferenceWithinOrbits(learned[g], graphs[g].orbits),
                          single = DifferenceWithinOrbits(canonical[g], graphs[g].orbits);
    std::printf("%-12s %-8s %9.5f %20.2f %17.5f\n", graphs[g].name.c_str(), graphs[g].automorphisms.c_str(),
                sampled.largest, sampled.in_errors, single.largest);
    learned_largest = std::max(learned_largest, sampled.largest);
    canonical_largest = std::max(canonical_largest, single.largest);
  }
  const std::string path = UserPath(arguments.out);
  io::WriteFileAtomically(path, ToSvg(picture));
  std::printf("drawn in %s\nlargest difference within an orbit: PS %.5f, canonicalization %.5f\n", path.c_str(),
              learned_largest, canonical_largest);
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Draws five graphs with symmetries, their nodes coloured by the outputs of a randomly initialised MLP that is "
      "symmetrized with a learned distribution (PS), and the same with canonicalization beside it; and tells the "
      "largest difference within an orbit, the nodes that the graph's automorphisms take to each other. PS's is that "
      "of chance, a few standard errors, and shrinks with the square root of the samples; canonicalization's stays.");
  Arguments arguments;
  app.add_option("--samples", arguments.samples, "permutations a graph, for PS")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "of the initialisation and the samples")->capture_default_str();
  app.add_option("--out", arguments.out, "the SVG file to write")->capture_default_str();
  AddDeviceOptions(app, arguments.device);
  CLI11_PARSE(app, argc, argv);
  return Draw(arguments);
}

const Program program("automorphism", Main);

}  // namespace
}  // namespace orbit
