#include "groups/matrix_groups/orthogonal.h"

#include "groups/ops/rotation.h"

namespace orbit {
namespace {

class OrthogonalGroup : public MatrixGroup {
 public:
  OrthogonalGroup(int64_t n, bool special)
      : MatrixGroup((special ? "SO" : "O") + std::to_string(n), {.positive = n}), special_(special) {}

  Variable Project(const Variable& frame) const override { return GramSchmidt(frame, special_); }

 private:
  bool special_;
};

}  // namespace

MatrixGroups OrthogonalGroups() {
  MatrixGroups groups;
  for (int64_t n = 1; n <= kMaxGramSchmidt; ++n)
    for (const bool special : {false, true}) groups.push_back(std::make_unique<OrthogonalGroup>(n, special));
  return groups;
}

}  // namespace orbit
