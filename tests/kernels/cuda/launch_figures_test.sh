#!/usr/bin/env bash
# launch_figures_test.sh TESTS CUBLASLT FIGURES...: every launch of the kernels' tests can run on compute capability 8.0,
# 9.0 and 10.0. The launches are those that TESTS, the kernels' tests in one executable, ask a fake GPU for, which has
# the capability and its shared memory; registers, static shared memory and spills are what the compiler said, FIGURES.
# Where it did not compile for a capability, its figures for the nearest one count (//third_party/cuda:archs=80,90,100
# has all three). Without arguments (a build without CUDA) there is nothing to hold.
[ $# -gt 0 ] || { echo "no CUDA in this build"; exit 0; }
tests=$PWD/$1 cublaslt=$PWD/$2 checks=$PWD/tests/kernels/cuda/launch_figures.awk
shift 2
figures=("${@/#/$PWD/}")
. tests/tools/testing.sh
mkdir -p cuda/lib64
for major in 12 13; do cp "$cublaslt" cuda/lib64/libcublasLt.so.$major; done
export CUDA_HOME=$work/cuda OMP_NUM_THREADS=1 ORBIT_WITH=attention_wgmma,cublaslt_epilogues

for limits in 80:166912 90:232448 100:232448; do
  capability=${limits%:*} bytes=${limits#*:}
  for test in $("$tests" --list); do
    # The fake GPU computes nothing: that the results are wrong is no news.
    FAKE_GPU_CAPABILITY=$capability FAKE_GPU_SHARED=$bytes FAKE_GPU_LAUNCHES=launches.$capability \
      timeout 120 "$tests" "$test" >out 2>&1 || grep -q "FAILED" out || fail "$test ends early: $(tail -n 5 out)"
  done
  awk -f "$checks" -v capability="$capability" -v most_shared="$bytes" "launches.$capability" "${figures[@]}" ||
    fail "compute capability $capability: see above"
done
echo "all held"
