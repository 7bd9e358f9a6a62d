// The instruction sets that vectorised kernels are compiled for: AVX2, AVX-512 and plain C++ for everything else.
// Highway chooses at run time. Include this before Highway's headers.
#ifndef ORBIT_KERNELS_CPU_TARGETS_H_
#define ORBIT_KERNELS_CPU_TARGETS_H_

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

// Defines FUNCTION<T>(arguments ...). It calls the function template of that name, which is compiled for every
// instruction set, in the version for this processor. Highway's own HWY_EXPORT does not support templates.
#define ORBIT_EXPORT(FUNCTION)                                                           \
  template <class T, class... Arguments>                                                 \
  auto FUNCTION(const Arguments&... arguments) {                                         \
    static constexpr decltype(&HWY_STATIC_DISPATCH(FUNCTION<T>)) kVersions[] = {         \
        nullptr, HWY_CHOOSE_TARGET_LIST(FUNCTION<T>), HWY_CHOOSE_FALLBACK(FUNCTION<T>)}; \
    hwy::ChosenTarget& target = hwy::GetChosenTarget();                                  \
    if (!target.IsInitialized()) target.Update(hwy::SupportedTargets());                 \
    return kVersions[target.GetIndex()](arguments...);                                   \
  }

#endif  // ORBIT_KERNELS_CPU_TARGETS_H_
