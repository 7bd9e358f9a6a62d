// The interface of groups of matrices that act on vectors. Each group is a file in groups/matrix_groups/ and an entry
// in the table of group.cc; no other code distinguishes groups.
#ifndef ORBIT_GROUPS_MATRIX_GROUP_H_
#define ORBIT_GROUPS_MATRIX_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/variable.h"
#include "groups/form.h"

namespace orbit {

// The matrices m [d, d], in real coordinates, that preserve a form, m^T eta m = eta, or a subgroup of them. Functions
// take f32 and f64 with any leading axes, with one matrix or frame for each, and record gradients for Variables.
class MatrixGroup {
 public:
  MatrixGroup(std::string name, const Form& form) : name_(std::move(name)), form_(form) {}
  virtual ~MatrixGroup() = default;

  const std::string& name() const { return name_; }  // such as "SO3", as ParseGroup reads it
  const Form& form() const { return form_; }
  int64_t dimension() const { return form_.dimension(); }  // d
  // The number of vectors in a frame, which determines an element: d, or d / 2 complex ones.
  int64_t vectors() const { return form_.hermitian ? dimension() / 2 : dimension(); }
  // Only compact groups have a uniform distribution, and invariant laws of noise on vectors. For other groups, the
  // noise that frames are made from must itself be invariant, that is, scalar.
  bool compact() const { return form_.negative == 0; }

  // Maps a frame [..., d, vectors()], one vector per column, to an element [..., d, d]. It is equivariant, Project(h
  // frame) = h Project(frame) for h in the group. If the frame is the first columns, over the group's field, of an
  // element, the result is that element.
  virtual Variable Project(const Variable& frame) const = 0;

  // m^-1, for m [..., d, d].
  Variable Inverse(const Variable& m) const;
  // m^-1 x: m [batch, samples, d, d], x [batch, (samples,) points, d, channels] ->
  // [batch, samples, points, d, channels]. For compact groups in one pass, without forming the inverse.
  Variable ActInverse(const Variable& m, const Variable& x) const;

  // Draws elements [..., d, d] from the Haar measure, where `normal` [..., d, vectors()] holds independent N(0, 1). For
  // orthogonal and unitary groups it is the Q of a QR decomposition with positive diagonal (Mezzadri, Notices of the
  // AMS 54, 2007). Throws Error for groups that are not compact, which have no such measure.
  Tensor Haar(const Tensor& normal) const;
  // Elements for tests, from all components of the group, from the same `normal`; by the Haar measure if there is one.
  virtual Tensor Random(const Tensor& normal) const { return Haar(normal); }

 private:
  std::string name_;
  Form form_;
};

// The groups of one kind, in every supported size.
using MatrixGroups = std::vector<std::unique_ptr<const MatrixGroup>>;

}  // namespace orbit

#endif  // ORBIT_GROUPS_MATRIX_GROUP_H_
