#!/usr/bin/env bash
# timed_matmul_test.sh PRODUCTS CUBLASLT: the fastest algorithm of a matrix product is found once and kept, on a fake GPU
# with a fake cuBLASLt. Without arguments (a build without CUDA) there is nothing to find.
[ $# -gt 0 ] || { echo "no CUDA in this build"; exit 0; }
products=$PWD/$1 cublaslt=$PWD/$2
. tests/tools/testing.sh
mkdir -p cuda/lib64
for major in 12 13; do cp "$cublaslt" cuda/lib64/libcublasLt.so.$major; done
export CUDA_HOME=$work/cuda ORBIT_CACHE=$work/cache FAKE_CUBLASLT_LOG=$work/log ORBIT_WITH=timed_matmul
export FAKE_CUBLASLT_ALGORITHMS=5 FAKE_CUBLASLT_FASTEST=3
kept=cache/matmul_algorithms

uses() { # ALGORITHM TRIED MESSAGE PRODUCT...: the last product uses ALGORITHM, after TRIED products that are timed
  local expected=$1 tried=$2 message=$3 ran
  shift 3
  rm -f log
  "$products" "$@" 2>err || fail "$*: $(cat err)"
  [ -z "$message" ] || grep -q "$message" err || fail "$*: nothing of '$message' in: $(cat err)"
  [ -n "$message" ] || [ ! -s err ] || fail "$*: $(cat err)"
  ran=$(wc -l <log)
  [ "$(tail -n 1 log | cut -d ' ' -f 1) $((ran - 1))" = "$expected $tried" ] ||
    fail "$*: $((ran - 1)) are timed before algorithm $(tail -n 1 log), not $tried before $expected"
}

ORBIT_WITH= uses 1 0 "" 4,8,16
[ ! -e cache ] || fail "something is kept although nothing was asked for"

echo "--- captured products are not timed, and say nothing of others"
uses 1 0 "" capture 4,8,16
[ ! -e cache ] || fail "a choice is kept that was none"

echo "--- timed once, kept for later runs"
uses 3 65 "" 4,8,16
FAKE_CUBLASLT_FASTEST=2 uses 3 0 "" 4,8,16
FAKE_CUBLASLT_FASTEST=2 uses 3 0 "" capture 4,8,16
FAKE_CUBLASLT_FASTEST=2 uses 3 1 "" 4,8,16 4,8,16
FAKE_CUBLASLT_FASTEST=2 uses 2 65 "" 4,8,24
uses 3 0 "" 4,8,16

echo "--- of the first eight"
FAKE_CUBLASLT_ALGORITHMS=20 FAKE_CUBLASLT_FASTEST=8 uses 8 104 "" 4,8,32

echo "--- a sum is added once"
uses 3 65 "" 4,8,16+
[ "$(grep -c = log)" = 1 ] || fail "timed where the sum is: $(cat log)"

echo "--- for this driver and cuBLASLt"
FAKE_GPU_DRIVER=13050 FAKE_CUBLASLT_FASTEST=4 uses 4 65 "" 4,8,16
FAKE_CUBLASLT_VERSION=7 FAKE_CUBLASLT_FASTEST=5 uses 5 65 "" 4,8,16
FAKE_CUBLASLT_VERSION=7 uses 5 0 "" 4,8,16
uses 3 0 "" 4,8,16

echo "--- an algorithm that there is no longer"
FAKE_CUBLASLT_ALGORITHMS=2 uses 1 0 "none of cuBLASLt's" 4,8,16

echo "--- torn, foreign and absent files"
uses 3 65 "" 4,8,40
truncate -s -5 $kept
FAKE_CUBLASLT_FASTEST=2 uses 2 65 "1 lines are torn or foreign" 4,8,40
FAKE_CUBLASLT_FASTEST=1 uses 2 0 "1 lines are torn or foreign" 4,8,40
sed -i 's/\t3 0 /\t4 0 /' $kept
FAKE_CUBLASLT_FASTEST=2 uses 2 65 "lines are torn or foreign" 4,8,16
head -c 4000 "$products" >$kept
uses 3 65 "torn or foreign" 4,8,16
FAKE_CUBLASLT_FASTEST=2 uses 3 0 "torn or foreign" 4,8,16
rm -r cache
ORBIT_CACHE=/dev/null/none uses 3 65 "not kept" 4,8,16
FAKE_CUBLASLT_PRODUCT=15 "$products" 4,8,16 2>err && fail "a product that cuBLASLt does not do"
[ ! -e cache ] || fail "an algorithm is kept that does nothing"

echo "--- processes side by side agree"
for fastest in 1 2 3 4 5; do FAKE_CUBLASLT_FASTEST=$fastest FAKE_CUBLASLT_LOG=log.$fastest "$products" 4,8,16 & done
wait
first=$(sed -n 's/.*\t\([0-9]\) 0 .*/\1/p' $kept | head -n 1)
for log in log.*; do
  [ "$(tail -n 1 "$log" | cut -d ' ' -f 1)" = "$first" ] || fail "$log ends with another algorithm than $first: $(cat "$log")"
done
uses "$first" 0 "" 4,8,16
echo "all held"
