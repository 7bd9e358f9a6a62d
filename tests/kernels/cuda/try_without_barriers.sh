#!/usr/bin/env bash
# Leaves out every barrier and every wait for a copy in kernels/cuda, or in the files given, in turn, and lists those
# that no test misses:
#   tests/kernels/cuda/try_without_barriers.sh [FILE...]
# A kernel's are tried with its own tests, those in a header with the tests of each kernel that includes it until one
# fails: first all without a sanitizer, which takes a second each, then those not missed under ThreadSanitizer. Exits
# with 1 where there are some left.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
files=("$@")
[ ${#files[@]} -gt 0 ] || files=(kernels/cuda/*.cu kernels/cuda/*.h)
kernels_of() { # FILE: names of the kernels that it is a part of
  case $1 in
    *.cu) # a part, as attention_tensor_core_forward, is tested with the whole
      local name
      name=$(basename "$1" .cu)
      while [ ! -e "tests/kernels/cuda/${name}_test.cc" ] && [[ $name == *_* ]]; do name=${name%_*}; done
      [ ! -e "tests/kernels/cuda/${name}_test.cc" ] || echo "$name" ;;
    *) grep -lF "#include \"$1\"" kernels/cuda/*.cu kernels/cuda/*.h | while read -r user; do kernels_of "$user"; done | sort -u ;;
  esac
}
tests=bazel-bin/tests/kernels/cuda
build() { # SUFFIX FILE:LINE...: the tests of all kernels that these are a part of
  local suffix=$1 kernels
  shift
  kernels=$(printf '%s\n' "${@%:*}" | sort -u | while read -r file; do kernels_of "$file"; done | sort -u)
  # shellcheck disable=SC2086
  ./bazelw build $(printf "//tests/kernels/cuda:%s_$suffix\n" $kernels)
}
fails() { ! timeout 300 "$@" >/dev/null 2>&1; }
export TSAN_OPTIONS=symbolize=0:halt_on_error=1 GTEST_FAIL_FAST=1

mapfile -t left < <(grep -nE '__syncthreads\(|__syncwarp\(|__pipeline_wait_prior\(' "${files[@]}" /dev/null | cut -d: -f1,2)
tried=${#left[@]}
for variant in simt_test simt_tsan_test_program; do
  [ ${#left[@]} -gt 0 ] || break
  build "$variant" "${left[@]}" || exit 1
  start=()
  [ "$variant" = simt_test ] || start=(tests/kernels/simt/run_with_fixed_addresses.sh)
  survivors=()
  for place in "${left[@]}"; do
    export ORBIT_SIMT_SKIP=$place
    held=
    for kernel in $(kernels_of "${place%:*}"); do
      if fails "${start[@]}" "$tests/${kernel}_$variant"; then held=$kernel && break; fi
    done 2>/dev/null
    if [ -n "$held" ]; then echo "$place: missed by ${held}_$variant"; else survivors+=("$place"); fi
  done
  left=("${survivors[@]}")
done
for place in "${left[@]}"; do echo "$place: NOT MISSED"; done
echo "$tried tried, ${#left[@]} not missed"
[ ${#left[@]} = 0 ]
