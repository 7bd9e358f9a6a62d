#include "tools/tables/separation_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "data/io/note.h"
#include "kernels/error.h"
#include "tools/tables/text_table.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

enum Column { kGraph8c, kGraph8cSound, kExp, kExpSound, kColumns };
constexpr int64_t kPaperSeeds = 100;

struct Row {
  std::string name, model, distribution;
  std::array<std::string, kColumns> published;
};

// Kim et al. 2023, table 1; empty where the paper has no number.
const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"GCN", "gcn", "", {"4755", "", "600", ""}},
      {"GAT", "gat", "", {"1828", "", "600", ""}},
      {"GIN", "gin", "", {"386", "", "600", ""}},
      {"ChebNet", "chebnet", "", {}},
      {"PPGN", "ppgn", "", {}},
      {"MLP-Canonical", "mlp", "canonical", {}},
      {"MLP-GA", "mlp", "haar", {}},
      {"MLP-FA", "mlp", "frame", {}},
      {"MLP-FA, minimal", "mlp", "minimal_frame", {}},
      {"MLP-PS", "mlp", "learned", {"0", "", "0", ""}},
      {"GIN-ID-Canonical", "gin_id", "canonical", {}},
      {"GIN-ID-GA", "gin_id", "haar", {}},
      {"GIN-ID-FA", "gin_id", "frame", {}},
      {"GIN-ID-FA, minimal", "gin_id", "minimal_frame", {}},
      {"GIN-ID-PS", "gin_id", "learned", {"0", "", "0", ""}},
  };
  return rows;
}

// The distribution as named in the rows: none for networks that are invariant by themselves.
std::string RowDistribution(const std::string& model, const std::string& distribution) {
  return IsTailored(model) ? "" : distribution;
}

bool IsSampledSoundly(const SeparationResult& result) { return result.criterion == "sound" && result.samples > 1; }

// How much went into a result: of two for a cell the greater one counts. Rounds of the sound criterion, which are its
// seeds where it samples, take twice the samples each.
std::pair<int64_t, int64_t> Effort(const SeparationResult& result) {
  if (IsSampledSoundly(result)) return {result.samples, result.seeds};
  return {result.seeds, result.samples};
}

std::string TextOf(const SeparationResult& result) {
  const auto note = [](int64_t count, const char* what) {
    return " (" + std::to_string(count) + " " + what + (count == 1 ? ")" : "s)");
  };
  std::string text = std::to_string(result.left);
  if (IsSampledSoundly(result))
    text += note(result.samples, "sample");
  else if (result.seeds != kPaperSeeds)
    text += note(result.seeds, "seed");
  if (result.criterion == "sound" && result.controls_apart > 0) text += ", not invariant";
  return text;
}

// Measured cells by model, distribution and column.
class Measurements {
 public:
  void AddTree(const fs::path& path) {
    Check(fs::exists(path), "there is no ", path.string());
    if (fs::is_regular_file(path)) return Add(path);
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.path().filename() == kSeparationResultFile) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) Add(file);
  }

  std::string Find(const Row& row, Column column) const {
    const auto found = cells_.find({row.model, row.distribution, column});
    return found == cells_.end() ? "" : TextOf(found->second.result);
  }

 private:
  struct Cell {
    SeparationResult result;
    fs::path path;
  };

  void Add(const fs::path& path) {
    const SeparationResult result = ReadSeparationResult(path.string());
    if (result.dataset != "graph8c" && result.dataset != "exp") return;
    const bool sound = result.criterion == "sound", exp = result.dataset == "exp";
    Cell added{result, path};
    const auto [cell, is_new] =
        cells_.try_emplace({result.model, RowDistribution(result.model, result.distribution),
                            exp ? (sound ? kExpSound : kExp) : (sound ? kGraph8cSound : kGraph8c)},
                           added);
    if (is_new || fs::equivalent(path, cell->second.path)) return;
    if (Effort(result) >= Effort(cell->second.result)) std::swap(cell->second, added);
    PrintNote(added.path.string() + " (" + Describe(added.result) + ") is left out: " + cell->second.path.string() +
              " (" + Describe(cell->second.result) + ") is of the same cell of the table");
  }

  static std::string Describe(const SeparationResult& result) {
    return std::to_string(result.left) + " pairs, seeds " + std::to_string(result.seeds) + ", samples " +
           std::to_string(result.samples);
  }

  std::map<std::tuple<std::string, std::string, Column>, Cell> cells_;
};

}  // namespace

std::vector<SeparationCell> SeparationCells(const std::string& data) {
  std::vector<SeparationCell> cells;
  for (const char* dataset : {"graph8c", "exp"})
    for (const char* criterion : {"published", "sound"})
      for (const Row& row : Rows()) {
        SeparationCell cell{.dataset = dataset, .data = data, .model = row.model, .criterion = criterion};
        if (!row.distribution.empty()) cell.distribution = row.distribution;
        cells.push_back(cell);
      }
  return cells;
}

std::string SeparationTable(const std::vector<fs::path>& paths, bool markdown) {
  Measurements measurements;
  for (const fs::path& path : paths) measurements.AddTree(path);
  std::vector<TableLine> lines = {
      {"", "GRAPH8c", "published criterion", "sound", "EXP", "published criterion", "sound"}};
  for (const Row& row : Rows()) {
    TableLine line = {row.name};
    for (const Column column : {kGraph8c, kGraph8cSound, kExp, kExpSound}) {
      const std::string measured = measurements.Find(row, column);
      if (column != kGraph8cSound && column != kExpSound) line.push_back(row.published[column]);
      line.push_back(measured.empty() ? "not run" : measured);
    }
    lines.push_back(line);
  }
  return FormatTable(lines, markdown);
}

}  // namespace orbit
