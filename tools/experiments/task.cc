#include "tools/experiments/task.h"

#include "tools/common/nearest_name.h"
#include "tools/experiments/exp_classify_task.h"
#include "tools/experiments/nbody_task.h"

namespace orbit {

std::string NameOf(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kValid:
      return "valid";
    case Split::kTest:
      return "test";
  }
  Fail("no such split");
}

Split ParseSplit(const std::string& name) {
  for (const Split split : {Split::kTrain, Split::kValid, Split::kTest})
    if (name == NameOf(split)) return split;
  Fail("unknown split '", name, "'; known: train, valid, test");
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
