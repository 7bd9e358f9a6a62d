// Runs a test on every instruction set that this binary has kernels for and this processor supports.
#ifndef ORBIT_TESTS_KERNELS_TARGETS_H_
#define ORBIT_TESTS_KERNELS_TARGETS_H_

#include <gtest/gtest.h>

// clang-format off
#include "kernels/cpu/targets.h"
#include "hwy/highway.h"
// clang-format on

namespace orbit::kernels {

template <class F>
void ForEachTarget(F&& f) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    f();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace orbit::kernels

#endif  // ORBIT_TESTS_KERNELS_TARGETS_H_
