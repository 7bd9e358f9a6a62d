// The interface of groups of matrices that act on vectors. A group is one file of groups/matrix_groups/ and a line in
// the table of group.cc; nothing else knows which groups there are.
#ifndef ORBIT_GROUPS_MATRIX_GROUP_H_
#define ORBIT_GROUPS_MATRIX_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/variable.h"
#include "groups/form.h"

namespace orbit {

// The matrices m [d, d] in real coordinates that preserve a form, m^T eta m = eta, or some of them. Functions take
// f32 and f64 with any leading axes, one matrix or frame each, and record gradients where they take Variables.
class MatrixGroup {
 public:
  MatrixGroup(std::string name, const Form& form) : name_(std::move(name)), form_(form) {}
  virtual ~MatrixGroup() = default;

  const std::string& name() const { return name_; }  // as ParseGroup reads it, "SO3"
  const Form& form() const { return form_; }
  int64_t dimension() const { return form_.dimension(); }  // d
  // How many vectors make a frame, from which follows an element: d, or complex ones.
  int64_t vectors() const { return form_.hermitian ? dimension() / 2 : dimension(); }
  // Only compact groups have a uniform distribution, and laws of noise on vectors that they leave alone; the noise that
  // makes frames of other groups must be invariant, that is of scalars.
  bool compact() const { return form_.negative == 0; }

  // The element that belongs to a frame: frame [..., d, vectors()], a vector a column, to [..., d, d]. Equivariant,
  // Project(h frame) = h Project(frame) for h in the group, and Project of the first columns over the field of an
  // element is that element.
  virtual Variable Project(const Variable& frame) const = 0;

  // m^-1: m [..., d, d].
  Variable Inverse(const Variable& m) const;
  // m^-1 x: m [batch, samples, d, d], x [batch, (samples,) points, d, channels], to all of these axes. For compact
  // groups in one pass, without the inverse.
  Variable ActInverse(const Variable& m, const Variable& x) const;

  // Elements [..., d, d] by the Haar measure, where `normal` [..., d, vectors()] holds independent N(0, 1): for the
  // orthogonal and unitary groups the factor of a QR with a positive diagonal (Mezzadri, Notices of the AMS 54, 2007).
  // Throws Error where there is none, that is for groups that are not compact.
  Tensor Haar(const Tensor& normal) const;
  // Elements to test with, from all parts of the group, made from the same: by the Haar measure where there is one.
  virtual Tensor Random(const Tensor& normal) const { return Haar(normal); }

 private:
  std::string name_;
  Form form_;
};

// Some groups of a kind, of every size there is.
using MatrixGroups = std::vector<std::unique_ptr<const MatrixGroup>>;

}  // namespace orbit

#endif  // ORBIT_GROUPS_MATRIX_GROUP_H_
