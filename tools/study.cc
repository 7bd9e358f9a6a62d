// Studies: several trainings that belong together. See --help.
#include <CLI/CLI.hpp>

#include "tools/common/program.h"
#include "tools/studies/estimator_study.h"
#include "tools/studies/samples_study.h"
#include "tools/studies/table_study.h"

namespace orbit {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("Trains what a study needs, one run after the other; the same command goes on with what was stopped.");
  app.require_subcommand(1);
  int status = 0;
  AddTableStudy(app, status);
  AddSamplesStudy(app, status);
  AddEstimatorStudy(app, status);
  CLI11_PARSE(app, argc, argv);
  return status;
}

const Program program("study", Main);

}  // namespace
}  // namespace orbit
