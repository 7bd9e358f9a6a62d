#include "tools/experiments/task.h"

#include "tools/common/nearest_name.h"
#include "tools/experiments/exp_classify_task.h"
#include "tools/experiments/nbody_task.h"

namespace orbit {

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
