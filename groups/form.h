// The forms that matrix groups preserve: what lengths and angles are made of, and with them every invariant and every
// equivariant vector (Villar et al., Scalars are universal, NeurIPS 2021).
#ifndef ORBIT_GROUPS_FORM_H_
#define ORBIT_GROUPS_FORM_H_

#include "engine/variable.h"

namespace orbit {

// <u, v> = u^T eta v with eta = diag(1, .., 1, -1, .., -1). A Hermitian form is one of complex coordinates, each stored
// as two real ones, (real, imaginary); u^T eta v is then its real part, and its imaginary part is that of i u with v.
struct Form {
  int64_t positive = 3, negative = 0;  // real coordinates with 1 and -1 in eta
  bool hermitian = false;

  int64_t dimension() const { return positive + negative; }  // real coordinates
  bool operator==(const Form&) const = default;
};

// eta x: x [..., d, channels].
Variable Lower(const Form& form, const Variable& x);

// Every vector of x [..., d, channels] followed, where the form is Hermitian, by i times it: [..., d, 2 channels]. The
// real combinations of the result are the combinations of x over the field of the group.
Variable OverField(const Form& form, const Variable& x);

}  // namespace orbit

#endif  // ORBIT_GROUPS_FORM_H_
