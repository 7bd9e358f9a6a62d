#include "tools/experiments/task.h"

#include <cmath>

#include "tools/common/nearest_name.h"
#include "tools/experiments/exp_classify_task.h"
#include "tools/experiments/nbody_task.h"

namespace orbit {

void CheckFinite(const Evaluation& evaluation, Split split) {
  Check(std::isfinite(evaluation.loss) && std::isfinite(evaluation.metric), "the ", NameOf(split), " split's loss is ",
        evaluation.loss, " and its metric ", evaluation.metric, ": the model's outputs are not finite, or too large");
}

const std::vector<TaskKind>& TaskKinds() {
  static const std::vector<TaskKind> kinds = {NBodyTaskKind(), ExpClassifyTaskKind()};
  return kinds;
}

const TaskKind& FindTaskKind(const std::string& name) {
  std::vector<std::string> names;
  for (const TaskKind& kind : TaskKinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  Fail("unknown task '", name, "'", DidYouMean(name, names));
}

}  // namespace orbit
