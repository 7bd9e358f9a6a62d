#!/usr/bin/env bash
# Leaves out every barrier and every wait for a copy in kernels/cuda in turn, and lists those that no test misses:
#   tests/kernels/cuda/try_without_barriers.sh [FILE...]
# Exits with 1 where there are such. One in a header counts as held where the tests of any kernel miss it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
./bazelw build //tests/kernels/cuda/... || exit 1
files=("$@")
[ ${#files[@]} -gt 0 ] || files=(kernels/cuda/*.cu kernels/cuda/*.h)
export TSAN_OPTIONS=symbolize=0:halt_on_error=1
tests=bazel-bin/tests/kernels/cuda
survivors=0
missed() {  # KERNEL: whether its tests fail
  ! timeout 300 "$tests/$1_simt_test" >/dev/null 2>&1 ||
    ! timeout 900 tests/kernels/simt/run_with_fixed_addresses.sh "$tests/$1_simt_tsan_test_program" >/dev/null 2>&1
}
for file in "${files[@]}"; do
  name=$(basename "$file" .cu)
  kernels=$name
  [ -x "$tests/${name}_simt_test" ] || kernels=$(cd "$tests" && ls -d *_simt_test | sed 's/_simt_test$//')
  for line in $(grep -nE '__syncthreads\(|__syncwarp\(|__pipeline_wait_prior\(' "$file" | cut -d: -f1); do
    export ORBIT_SIMT_SKIP=$file:$line
    held=
    for kernel in $kernels; do
      if missed "$kernel"; then held=$kernel && break; fi
    done 2>/dev/null
    if [ -n "$held" ]; then
      echo "$file:$line: missed by the tests of $held"
    else
      echo "$file:$line: NOT MISSED"
      survivors=$((survivors + 1))
    fi
  done
done
echo "$survivors not missed"
[ "$survivors" = 0 ]
