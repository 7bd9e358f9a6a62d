#include "tools/studies/separation_study.h"

#include <cstdio>
#include <filesystem>
#include <vector>

#include "data/io/note.h"
#include "engine/io/atomic_file.h"
#include "engine/io/writer_lock.h"
#include "kernels/error.h"
#include "tools/common/device_options.h"
#include "tools/common/path.h"
#include "tools/experiments/budgets.h"
#include "tools/experiments/config.h"
#include "tools/separation/separation_cell.h"
#include "tools/studies/study_run.h"
#include "tools/tables/separation_table.h"

namespace orbit {
namespace {

namespace fs = std::filesystem;

constexpr char kFormerDirectory[] = "runs/study-separation";

Config Settings(const StudyOptions& options) {
  ConfigSchema schema;
  schema.Int("seeds", 3, "initialisations, where the criterion takes their number", {.min = 1});
  schema.Int("samples", 10, "group elements a graph; of the sound criterion in its first round", {.min = 1});
  schema.Double("time_limit", 60, "seconds after which the sound criterion begins no further round", {.min = 1e-3});
  schema.String("data.path", "GRAPHSAT.pkl", "the published file of EXP's 1,200 graphs");
  Config config(std::move(schema));
  config.MergeYaml(BudgetSettings("separation", options.budget), "budget " + options.budget);
  for (const std::string& assignment : options.assignments) config.Set(assignment);
  return config;
}

}  // namespace

int StudySeparation(const StudyOptions& options) {
  const Config settings = Settings(options);
  const Device device = ApplyDeviceOptions(options.device);
  if (options.output.empty() && fs::exists(UserPath(kFormerDirectory)))
    PrintNote(std::string(kFormerDirectory) + " is of before the directory was named by its budget; --output " +
              kFormerDirectory + " goes on with it");
  const fs::path output = MakeStudyDirectory(StudyDirectory("separation", options));
  const io::WriterLock lock(output);
  const std::vector<SeparationCell> cells = SeparationCells(settings.String("data.path"));
  const SeparationOptions all_cells{.device = device,
                                    .seeds = settings.Int("seeds"),
                                    .samples = settings.Int("samples"),
                                    .seconds = settings.Double("time_limit")};
  std::vector<bool> has_result;  // of all, so that one of other settings is refused before the work
  for (const SeparationCell& cell : cells) has_result.push_back(HasResult(output / NameOf(cell), cell, all_cells));
  size_t failed = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (has_result[i]) continue;
    const std::string name = NameOf(cells[i]);
    const fs::path directory = output / name;
    std::fprintf(stderr, "%zu of %zu: %s\n", i + 1, cells.size(), name.c_str());
    try {
      SeparationOptions how = all_cells;
      const Separation separation = Separate(cells[i], how);
      fs::create_directories(directory);
      WriteSeparationResult(ResultOf(cells[i], how, separation), directory / kSeparationResultFile);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s failed: %s\n", name.c_str(), error.what());
      ++failed;
    }
  }
  io::WriteFileAtomically(output / "table.md", SeparationTable({output}, /*markdown=*/true));
  std::printf("%s", SeparationTable({output}, /*markdown=*/false).c_str());
  Check(failed == 0, failed, " of ", cells.size(), " cells failed; the same command tries them again");
  std::printf("the study is in %s\n", output.c_str());
  return 0;
}

}  // namespace orbit
