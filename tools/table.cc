// Prints published results next to measured ones. See --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <tuple>
#include <vector>

#include "kernels/error.h"
#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/experiments/settings.h"
#include "tools/report/metrics.h"
#include "tools/separation/separation_result.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

enum Column { kGraph8c, kGraph8cSound, kExp, kExpSound, kExpClassify, kColumns };
constexpr int64_t kPaperSeeds = 100;

struct Row {
  std::string name, model, distribution;
  std::array<std::string, kColumns> published;
};

// Kim et al. 2023, table 1; empty where the paper has no number.
const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"GCN", "gcn", "", {"4755", "", "600", "", "50 %"}},
      {"GAT", "gat", "", {"1828", "", "600", "", "50 %"}},
      {"GIN", "gin", "", {"386", "", "600", "", "50 %"}},
      {"ChebNet", "chebnet", "", {}},
      {"PPGN", "ppgn", "", {}},
      {"MLP-Canonical", "mlp", "canonical", {}},
      {"MLP-GA", "mlp", "haar", {"", "", "", "", "50 %"}},
      {"MLP-FA", "mlp", "frame", {}},
      {"MLP-FA, minimal", "mlp", "minimal_frame", {}},
      {"MLP-PS, fixed noise", "mlp", "learned, fixed noise", {}},
      {"MLP-PS", "mlp", "learned", {"0", "", "0", "", "100 %"}},
      {"GIN-ID-Canonical", "gin_id", "canonical", {}},
      {"GIN-ID-GA", "gin_id", "haar", {}},
      {"GIN-ID-FA", "gin_id", "frame", {}},
      {"GIN-ID-FA, minimal", "gin_id", "minimal_frame", {}},
      {"GIN-ID-PS", "gin_id", "learned", {"0", "", "0", "", "100 %"}},
  };
  return rows;
}

constexpr std::array<const char*, 5> kTailored = {"gcn", "gat", "gin", "chebnet", "ppgn"};

// The distribution as named in the rows: none for networks that are invariant by themselves.
std::string RowDistribution(const std::string& model, const std::string& distribution) {
  return std::count(kTailored.begin(), kTailored.end(), model) ? "" : distribution;
}

// Measured cells by model, distribution and column; the newest file wins.
class Measurements {
 public:
  void AddTree(const fs::path& path) {
    Check(fs::exists(path), "there is no ", path.string());
    if (fs::is_regular_file(path)) return AddSeparation(path);
    AddDirectory(path);
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_directory()) AddDirectory(entry.path());
  }

  std::string Find(const Row& row, Column column) const {
    const auto found = cells_.find({row.model, row.distribution, column});
    return found == cells_.end() ? "" : found->second.text;
  }

 private:
  struct Cell {
    fs::file_time_type time;
    std::string text;
  };

  void AddDirectory(const fs::path& path) {
    if (fs::exists(path / kSeparationResultFile)) AddSeparation(path / kSeparationResultFile);
    if (fs::exists(path / "config.yaml") && fs::exists(path / "metrics.jsonl")) AddRun(path);
  }

  void AddSeparation(const fs::path& path) {
    const SeparationResult result = ReadSeparationResult(path.string());
    if (result.dataset != "graph8c" && result.dataset != "exp") return;
    const bool sound = result.criterion == "sound", exp = result.dataset == "exp";
    std::string text = std::to_string(result.left);
    const auto note = [&](int64_t count, const char* what) {
      text += " (" + std::to_string(count) + " " + what + (count == 1 ? ")" : "s)");
    };
    if (sound && result.samples > 1)
      note(result.samples, "sample");
    else if (result.seeds != kPaperSeeds)
      note(result.seeds, "seed");
    if (sound && result.controls_apart > 0) text += ", not invariant";
    Add(result.model, RowDistribution(result.model, result.distribution),
        exp ? (sound ? kExpSound : kExp) : (sound ? kGraph8cSound : kGraph8c), path, text);
  }

  void AddRun(const fs::path& path) {
    const Config config = ResolveSettings({.preset = "", .file = (path / "config.yaml").string(), .assignments = {}});
    if (config.String("task") != "exp_classify") return;
    const std::vector<MetricsLine> lines = ReadMetrics((path / "metrics.jsonl").string());
    std::string text;
    for (const MetricsLine& line : lines)
      for (const auto& [name, value] : line.metrics) {
        char number[32];
        std::snprintf(number, sizeof(number), "%.4g %%", value);
        if (name == "test/accuracy") text = number;
      }
    if (text.empty()) return;  // still training
    const std::string model = config.String("model.base");
    std::string distribution = RowDistribution(model, config.String("model.distribution"));
    if (config.Bool("model.fixed_noise")) distribution += ", fixed noise";
    Add(model, distribution, kExpClassify, path / "metrics.jsonl", text);
  }

  void Add(const std::string& model, const std::string& distribution, Column column, const fs::path& file,
           const std::string& text) {
    const fs::file_time_type time = fs::last_write_time(file);
    const auto [cell, is_new] = cells_.try_emplace({model, distribution, column}, Cell{time, text});
    if (!is_new && time > cell->second.time) cell->second = {time, text};
  }

  std::map<std::tuple<std::string, std::string, Column>, Cell> cells_;
};

using Line = std::vector<std::string>;

void Print(const std::vector<Line>& lines, bool markdown) {
  std::vector<size_t> widths(lines[0].size(), 3);
  for (const Line& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (size_t l = 0; l < lines.size(); ++l) {
    std::string text = markdown ? "|" : "";
    for (size_t i = 0; i < lines[l].size(); ++i) {
      const std::string cell = lines[l][i] + std::string(widths[i] - lines[l][i].size(), ' ');
      text += markdown ? " " + cell + " |" : cell + "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    std::printf("%s\n", text.c_str());
    if (l > 0) continue;
    std::string rule = markdown ? "|" : "";
    for (const size_t width : widths)
      rule += markdown ? " " + std::string(width, '-') + " |" : std::string(width + 2, '-');
    std::printf("%s\n", rule.c_str());
  }
}

void PrintSeparation(const std::vector<std::string>& paths, bool markdown) {
  Measurements measurements;
  for (const std::string& path : paths) measurements.AddTree(UserPath(path));
  std::vector<Line> lines = {
      {"", "GRAPH8c", "measured", "sound", "EXP", "measured", "sound", "EXP-classify", "measured"}};
  for (const Row& row : Rows()) {
    Line line = {row.name};
    for (const Column column : {kGraph8c, kGraph8cSound, kExp, kExpSound, kExpClassify}) {
      const std::string measured = measurements.Find(row, column);
      if (column != kGraph8cSound && column != kExpSound) line.push_back(row.published[column]);
      // Fixed noise is a matter of training.
      const bool applies = column == kExpClassify || row.distribution.find("fixed noise") == std::string::npos;
      line.push_back(!measured.empty() ? measured : applies ? "not run" : "");
    }
    lines.push_back(line);
  }
  std::printf(
      "Pairs of graphs never told apart (GRAPH8c: of 61,788,286; EXP: of 600) and test accuracy (EXP-classify),\n"
      "published and measured, pairs also by the sound criterion (separate --help):\n\n");
  Print(lines, markdown);
}

int Main(int argc, char** argv) {
  CLI::App app("Prints published results beside those measured here, and says what has not been run.");
  app.require_subcommand(1);
  std::vector<std::string> paths = {"runs"};
  bool markdown = false;
  CLI::App* command = app.add_subcommand("separation", "graph separation, from runs of separate and train");
  command->add_option("paths", paths, "run directories, or folders of them")->capture_default_str();
  command->add_flag("--markdown", markdown, "as a Markdown table");
  command->callback([&] { PrintSeparation(paths, markdown); });
  CLI11_PARSE(app, argc, argv);
  return 0;
}

const Program program("table", Main);

}  // namespace
}  // namespace orbit
