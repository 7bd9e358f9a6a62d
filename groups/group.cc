#include "groups/group.h"

#include <map>

#include "groups/matrix_groups/lorentz.h"
#include "groups/matrix_groups/orthogonal.h"
#include "groups/matrix_groups/unitary.h"

namespace orbit {
namespace {

const std::map<std::string, const MatrixGroup*>& MatrixGroupTable() {
  static const auto& table = *[] {
    auto* groups = new std::map<std::string, const MatrixGroup*>;
    for (const auto& kind : {OrthogonalGroups, UnitaryGroups, LorentzGroups})
      for (auto& group : kind()) {
        const std::string name = group->name();
        groups->emplace(name, group.release());
      }
    return groups;
  }();
  return table;
}

// Adds a factor to the group. Returns whether the name is that of a factor and could be added.
bool AddFactor(std::string factor, Group& group) {
  if (factor == "Sn") return !std::exchange(group.permutations, true);
  const size_t euclidean = factor.find('E');
  if (euclidean != std::string::npos) factor[euclidean] = 'O';
  const auto found = MatrixGroupTable().find(factor);
  if (found == MatrixGroupTable().end() || group.matrix != nullptr) return false;
  group.matrix = found->second;
  group.translations = euclidean != std::string::npos;
  return true;
}

}  // namespace

Group ParseGroup(const std::string& name) {
  Group group;
  size_t begin = 0, end;
  do {
    end = name.find('x', begin);
    if (!AddFactor(name.substr(begin, end - begin), group)) {
      std::string known;
      for (const auto& [matrix_group, unused] : MatrixGroupTable()) known += " " + matrix_group;
      Fail("unknown group '", name,
           "': expected Sn, one matrix group, or both joined by x, such as SnxO3; O written E ",
           "adds the translations; the matrix groups:", known);
    }
    begin = end + 1;
  } while (end != std::string::npos);
  return group;
}

std::string NameOf(const Group& group) {
  std::string name = group.permutations ? "Sn" : "";
  if (group.matrix == nullptr) return name;
  std::string matrix = group.matrix->name();
  if (group.translations) matrix[matrix.find('O')] = 'E';
  return name.empty() ? matrix : name + "x" + matrix;
}

}  // namespace orbit
