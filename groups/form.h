// The forms that matrix groups preserve. Lengths and angles are made of them, and with these all invariants and
// equivariant vectors (Villar et al., Scalars are universal, NeurIPS 2021).
#ifndef ORBIT_GROUPS_FORM_H_
#define ORBIT_GROUPS_FORM_H_

#include "engine/variable.h"

namespace orbit {

// <u, v> = u^T eta v with eta = diag(1, .., 1, -1, .., -1). A Hermitian form acts on complex coordinates, each stored
// as two real ones, (real, imaginary): its real part is u^T eta v, its imaginary part that of i u with v.
struct Form {
  int64_t positive = 3, negative = 0;  // real coordinates with 1 and with -1 in eta
  bool hermitian = false;

  int64_t dimension() const { return positive + negative; }  // number of real coordinates
  bool operator==(const Form&) const = default;
};

// eta x, for x [..., d, channels].
Variable Lower(const Form& form, const Variable& x);

// For Hermitian forms every vector of x [..., d, channels] is followed by i times that vector: [..., d, 2 channels].
// Otherwise returns x. Real combinations of the result are combinations of x over the field of the group.
Variable OverField(const Form& form, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_FORM_H_
