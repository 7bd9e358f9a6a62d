#include "groups/group.h"

#include <charconv>

#include "kernels/error.h"

namespace orbit {
namespace {

constexpr int64_t kMaxDimension = 64;

// The number that ends `factor` after `prefix`, or 0 where it is not one.
int64_t NumberAfter(const std::string& factor, const std::string& prefix) {
  if (factor.rfind(prefix, 0) != 0) return 0;
  int64_t number = 0;
  const char* end = factor.data() + factor.size();
  const auto [stop, error] = std::from_chars(factor.data() + prefix.size(), end, number);
  return error == std::errc() && stop == end && number > 0 && number <= kMaxDimension ? number : 0;
}

void AddFactor(const std::string& name, const std::string& factor, Group& group) {
  if (factor == "Sn" && !group.permutations) {
    group.permutations = true;
    return;
  }
  struct Kind {
    const char* prefix;
    MatrixGroup matrix;
    bool translations;
    int64_t coordinates;  // real ones for each of n
  };
  for (const Kind& kind :
       {Kind{"SO", MatrixGroup::kSpecialOrthogonal, false, 1}, Kind{"O", MatrixGroup::kOrthogonal, false, 1},
        Kind{"SE", MatrixGroup::kSpecialOrthogonal, true, 1}, Kind{"E", MatrixGroup::kOrthogonal, true, 1},
        Kind{"U", MatrixGroup::kUnitary, false, 2}}) {
    const int64_t number = NumberAfter(factor, kind.prefix);
    if (number == 0 || group.matrix != MatrixGroup::kTrivial) continue;
    group.matrix = kind.matrix;
    group.translations = kind.translations;
    group.dimension = number * kind.coordinates;
    return;
  }
  Fail("unknown group '", name, "': expected factors Sn, On, SOn, En, SEn or Un with n a number of at most ",
       kMaxDimension, ", each kind at most once, joined by x, such as SnxO3");
}

}  // namespace

Group ParseGroup(const std::string& name) {
  Group group;
  size_t begin = 0;
  while (true) {
    const size_t end = name.find('x', begin);
    AddFactor(name, name.substr(begin, end - begin), group);
    if (end == std::string::npos) return group;
    begin = end + 1;
  }
}

std::string NameOf(const Group& group) {
  std::string name = group.permutations ? "Sn" : "";
  if (group.matrix == MatrixGroup::kTrivial) return name;
  if (!name.empty()) name += "x";
  if (group.matrix == MatrixGroup::kUnitary) return name + "U" + std::to_string(group.dimension / 2);
  if (group.matrix == MatrixGroup::kSpecialOrthogonal) name += "S";
  return name + (group.translations ? "E" : "O") + std::to_string(group.dimension);
}

}  // namespace orbit
