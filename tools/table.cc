// Prints published results next to measured ones. See --help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "tools/common/path.h"
#include "tools/common/program.h"
#include "tools/tables/recorded_run.h"
#include "tools/tables/separation_table.h"
#include "tools/tables/trained_table.h"

namespace orbit {
namespace {

void PrintSeparation(const std::vector<std::filesystem::path>& paths, bool markdown) {
  std::printf(
      "Pairs of graphs never told apart (GRAPH8c: of 61,788,286; EXP: of 600), published and measured by two criteria\n"
      "(separate --help):\n\n%s",
      SeparationTable(paths, markdown).c_str());
}

void PrintTrained(const TrainedTable& table, const std::vector<std::filesystem::path>& paths, bool markdown,
                  const std::string& figure, const std::string& record) {
  TrainedResults results;
  for (const std::filesystem::path& path : paths) results.AddTree(table, path);
  std::printf("%s:\n\n%s", table.caption.c_str(), FormatTrainedTable(table, results, markdown).c_str());
  if (!figure.empty()) DrawTrainedTable(table, results, UserPath(figure));
  if (record.empty()) return;
  for (const std::filesystem::path& run : results.Runs()) RecordRun(run, UserPath(record));
}

int Main(int argc, char** argv) {
  CLI::App app("Prints published results beside those measured here, and says what has not been run.");
  app.require_subcommand(1);
  std::vector<std::string> given = {"runs"};
  std::string figure, record;
  bool markdown = false;
  const auto paths = [&] {
    std::vector<std::filesystem::path> paths;
    for (const std::string& path : given) paths.push_back(UserPath(path));
    return paths;
  };
  const auto add = [&](const std::string& name, const std::string& help) {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option("paths", given, "run directories, or folders of them")->capture_default_str();
    command->add_flag("--markdown", markdown, "as a Markdown table");
    return command;
  };
  add("separation", "graph separation, from runs of separate")->callback([&] { PrintSeparation(paths(), markdown); });
  for (const TrainedTable& table : TrainedTables()) {
    CLI::App* command = add(table.name, table.caption + ", from runs of train and study");
    command->add_option("--figure", figure, "also draw it as this SVG file");
    command->add_option("--record", record,
                        "a folder to keep the rows' runs in, by their budgets, reduced to what tables and curves need");
    command->callback([&] { PrintTrained(table, paths(), markdown, figure, record); });
  }
  add("vit", "all tables of vision transformers on graphs, one after another")->callback([&] {
    for (const TrainedTable& table : TrainedTables()) {
      if (table.name == "exp_classify" || table.name == "nbody") continue;
      PrintTrained(table, paths(), markdown, /*figure=*/"", /*record=*/"");
      std::printf("\n");
    }
  });
  CLI11_PARSE(app, argc, argv);
  return 0;
}

const Program program("table", Main);

}  // namespace
}  // namespace orbit
