// The groups that data can be symmetric under: permutations of n nodes, a matrix group on d coordinates, translations
// of the coordinates, and their products.
#ifndef ORBIT_GROUPS_GROUP_H_
#define ORBIT_GROUPS_GROUP_H_

#include <cstdint>
#include <string>

namespace orbit {

enum class MatrixGroup : uint8_t {
  kTrivial,
  kOrthogonal,         // O(d)
  kSpecialOrthogonal,  // SO(d)
  kUnitary,            // U(d / 2), on complex coordinates stored as (real, imaginary) pairs
};

// The product of its parts; a part that is off contributes the identity alone.
struct Group {
  bool permutations = false;  // S_n, n being the number of nodes of the data
  MatrixGroup matrix = MatrixGroup::kTrivial;
  int64_t dimension = 3;      // real coordinates that the matrix group acts on
  bool translations = false;  // E(d) and SE(d)

  bool operator==(const Group&) const = default;
};

// From the factors joined by 'x': Sn, On, SOn, En, SEn, Un with n a number, as in "SnxO3", "Sn", "SE3", "U2". Throws
// Error for anything else.
Group ParseGroup(const std::string& name);
std::string NameOf(const Group& group);

}  // namespace orbit

#endif  // ORBIT_GROUPS_GROUP_H_
