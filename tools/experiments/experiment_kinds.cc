#include "tools/common/nearest_name.h"
#include "tools/experiments/exp_classify.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/graphs.h"
#include "tools/experiments/molecules.h"
#include "tools/experiments/nbody.h"
#include "tools/experiments/particles.h"
#include "tools/experiments/pattern.h"
#include "tools/experiments/pcqm_contact.h"
#include "tools/experiments/peptides.h"

namespace orbit {

const std::vector<ExperimentKind>& ExperimentKinds() {
  static const std::vector<ExperimentKind> kinds = {NBodyKind(),   ParticlesKind(),  ExpClassifyKind(),
                                                    GraphsKind(),  MoleculesKind(),  PeptidesKind(),
                                                    PatternKind(), PcqmContactKind()};
  return kinds;
}

const ExperimentKind& FindExperimentKind(const std::string& name) {
  std::vector<std::string> names;
  for (const ExperimentKind& kind : ExperimentKinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  Fail("unknown task '", name, "'", DidYouMean(name, names));
}

}  // namespace orbit
