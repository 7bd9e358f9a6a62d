#include "tools/separation/separation_cell.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <vector>

#include "data/graph/graph_sets.h"
#include "data/graph/own_graphs.h"
#include "data/io/note.h"
#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/common/setting_changes.h"

namespace orbit {
namespace {

std::vector<Graph> FindGraphs(const SeparationCell& cell) {
  if (cell.dataset == "graph8c") return EnumerateGraph8c();
  if (cell.dataset == "exp") return ReadExp(UserPath(cell.data));
  return ReadGraphs(UserPath(cell.dataset));
}

// The models of Kim et al. 2023, section 3.1: an embedding of 10 numbers, tanh throughout. The MLP sees the nodes'
// features beside the adjacency where there is something to see: nodes that have labels, or are padding.
GraphModelOptions ModelFor(const SeparationCell& cell, const std::vector<Graph>& graphs, int64_t nodes) {
  const bool exp = cell.dataset == "exp";
  GraphModelOptions options;
  options.model = cell.model;
  options.distribution = cell.distribution;
  options.base.n = exp ? 64 : nodes;
  options.base.node_features = std::any_of(graphs.begin(), graphs.end(), [&](const Graph& graph) {
    return graph.n < options.base.n || !graph.labels.empty();
  });
  if (!exp) options.base.widths = {128, 64};
  options.base.head.outputs = 0;
  options.base.head.activation = Activation::kTanh;
  return options;
}

std::string ToText(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

// What the result depends on. Graphs of one's own are the same where they are at the same place.
SettingTexts SettingsOf(const SeparationCell& cell, const SeparationOptions& options) {
  const bool published = cell.criterion == "published", own = cell.dataset != "graph8c" && cell.dataset != "exp";
  const auto place = [&] { return std::filesystem::absolute(UserPath(cell.dataset)).lexically_normal().string(); };
  SettingTexts settings = {
      {"dataset", own ? place() : cell.dataset}, {"model", cell.model}, {"criterion", cell.criterion}};
  if (!IsTailored(cell.model)) settings.emplace_back("distribution", cell.distribution);
  GraphModelOptions model;
  model.model = cell.model;
  model.distribution = cell.distribution;
  const bool sampled = !IsDeterministic(model);  // as the sound criterion has it
  if (published || !sampled) settings.emplace_back("seeds", std::to_string(options.seeds));
  if (published) settings.emplace_back("threshold", ToText(options.threshold));
  if (cell.distribution != "canonical" && !IsTailored(cell.model) && (published || sampled))
    settings.emplace_back("samples", std::to_string(options.samples));
  if (!published && sampled) {
    settings.emplace_back("error_rate", ToText(options.error_rate));
    settings.emplace_back("time_limit", ToText(options.seconds));
  }
  return settings;
}

// Those that files of before settings were kept do not tell.
bool IsUntold(const SettingTexts::value_type& setting) {
  constexpr std::array kUntold = {"threshold", "error_rate", "time_limit"};
  return std::ranges::find(kUntold, setting.first) != kUntold.end();
}

// What such a file tells of its settings.
SettingTexts ToldSettings(const SeparationResult& result) {
  const SeparationCell cell = {.dataset = result.dataset,
                               .model = result.model,
                               .distribution = result.distribution,
                               .criterion = result.criterion};
  SeparationOptions options{.seeds = result.seeds, .samples = result.samples};
  // The sound criterion tells its rounds as seeds, and the samples of the last one; every round has doubled them.
  if (cell.criterion == "sound" && result.samples > 1)
    for (int64_t round = 1; round < result.seeds && options.samples > 0; ++round) options.samples /= 2;
  SettingTexts settings = SettingsOf(cell, options);
  std::erase_if(settings, IsUntold);
  return settings;
}

}  // namespace

std::string NameOf(const SeparationCell& cell) {
  std::string name = std::filesystem::path(cell.dataset).stem().string() + "-" + cell.model;
  if (!IsTailored(cell.model)) name += "-" + cell.distribution;
  if (cell.criterion == "published") name += "-published";
  return name;
}

bool HasResult(const std::filesystem::path& directory, const SeparationCell& cell, const SeparationOptions& options) {
  const std::filesystem::path file = directory / kSeparationResultFile;
  if (!std::filesystem::exists(file)) return false;
  const SeparationResult result = ReadSeparationResult(file);
  const bool keeps_settings = !result.settings.empty();
  SettingTexts now = SettingsOf(cell, options), untold;
  if (!keeps_settings) {
    std::ranges::copy_if(now, std::back_inserter(untold), IsUntold);
    std::erase_if(now, IsUntold);
  }
  const std::vector<SettingChange> changes =
      ChangedSettings(keeps_settings ? result.settings : ToldSettings(result), now);
  Check(changes.empty(), directory.string(), " holds a result with another ", DescribeChanges(changes),
        "; --output chooses another directory");
  if (!untold.empty()) {
    std::string keys;
    for (const auto& [key, value] : untold) keys += (keys.empty() ? "" : ", ") + key;
    PrintNote(file.string() + " is of before settings were kept, and does not tell its " + keys +
              "; remove it, or choose another --output, where that matters");
  }
  return true;
}

Separation Separate(const SeparationCell& cell, SeparationOptions& options) {
  const std::vector<Graph> graphs = FindGraphs(cell);
  const int64_t nodes = LargestGraph(graphs);
  Check(graphs.size() >= 2 && nodes >= 1, cell.dataset, ": there is nothing to tell apart in ", graphs.size(),
        " graphs of at most ", nodes, " nodes");
  if (cell.distribution == "canonical" || IsTailored(cell.model)) options.samples = 1;
  options.in_pairs = cell.dataset == "exp";
  options.model = ModelFor(cell, graphs, nodes);
  return cell.criterion == "sound" ? SeparateSoundly(graphs, options) : SeparateAsPublished(graphs, options);
}

SeparationResult ResultOf(const SeparationCell& cell, const SeparationOptions& options, const Separation& separation) {
  return {.dataset = cell.dataset,
          .model = cell.model,
          .distribution = cell.distribution,
          .criterion = cell.criterion,
          .seeds = separation.samples > 1 && cell.criterion == "sound" ? separation.rounds : options.seeds,
          .samples = separation.samples,
          .left = separation.left,
          .total = separation.total,
          .isomorphic = separation.isomorphic,
          .controls = separation.controls,
          .controls_apart = separation.controls_apart,
          .settings = SettingsOf(cell, options)};
}

}  // namespace orbit
