#include "tools/experiments/peptides.h"

#include <string>
#include <utility>

#include "data/molecules/peptides.h"
#include "tools/common/path.h"
#include "tools/experiments/graph_image_experiment.h"
#include "tools/experiments/molecule_experiment.h"

namespace orbit {
namespace {

void AddKeys(ConfigSchema& schema) {
  AddGraphImageKeys(schema);
  schema.String("data.target", "func", "what is predicted of a peptide: 10 functions, or 11 properties of its shape",
                {"func", "struct"});
  schema.String("data.path", "peptide_multi_class_dataset.csv.gz",
                "the published table; of struct: peptide_structure_dataset.csv.gz");
  schema.String("data.splits", "splits_random_stratified_peptide.pickle", "the published splits");
}

std::unique_ptr<Experiment> Make(const ExperimentInputs& inputs) {
  Config& config = inputs.config;
  Check(inputs.new_data.empty(), "the task peptides has its molecules; those of a table are for the task molecules");
  for (const char* key : {"data.path", "data.splits"})
    config.SetString(key, UserPath(config.String(key)));  // a run may be gone on with from elsewhere
  const bool has_functions = config.String("data.target") == "func";
  Peptides peptides = (has_functions ? LoadPeptidesFunc : LoadPeptidesStruct)(
      config.String("data.path"), config.String("data.splits"), inputs.progress);
  MoleculeTargets form{has_functions ? MoleculeTask::kMultiLabel : MoleculeTask::kRegression, PeptideProperties(), {}};
  if (has_functions) {
    form.columns.clear();
    for (int64_t i = 0; i < kPeptideFunctions; ++i) form.columns.push_back("function " + std::to_string(i));
  }
  const auto count = std::to_string(peptides.graphs.size());
  return MakeMoleculeExperiment(config, inputs.device,
                                {.graphs = std::move(peptides.graphs),
                                 .n = kLargestPeptide,
                                 .vocabulary = PeptidesVocabulary(),
                                 .form = std::move(form),
                                 .targets = peptides.targets.ToVector<double>(),
                                 .splits = std::move(peptides.splits),
                                 .description = count + " peptides"},
                                inputs.generator);
}

}  // namespace

ExperimentKind PeptidesKind() {
  return {.name = "peptides",
          .help = "functions or shapes of peptides, by a vision transformer",
          .add_keys = AddKeys,
          .make = Make};
}

}  // namespace orbit
