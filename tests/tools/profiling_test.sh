#!/usr/bin/env bash
# profiling_test.sh TRAIN [RECORDER]: the ranges that a profiler shows of a training run are there and nest rightly, and
# what --profile-steps refuses. Without RECORDER (a build without CUDA has no ranges) only the latter.
train=$PWD/$1 recorder=${2:+$PWD/$2}
. tests/tools/testing.sh

run() {
  "$train" --device cpu "${small_model[@]}" --set data.train=20 --set data.valid=0 --set data.test=5 \
    --set train.batch=10 --set train.samples=2 --set train.steps=3 --set train.clip_norm=1 "$@"
}

for steps in 3 2:1 0:2 1:2:3 a:b 1:2x; do
  ! run --set run.directory=refused --profile-steps "$steps" >refused.out 2>&1 || fail "--profile-steps $steps is taken"
  grep -q "as 10:15" refused.out || fail "--profile-steps $steps: $(cat refused.out)"
done
run --set run.directory=profiled --profile-steps 2:3 >/dev/null 2>&1 || fail "--profile-steps 2:3 is refused"

[ -n "$recorder" ] || { echo "no CUDA in this build: no ranges"; exit 0; }
NVTX_INJECTION64_PATH=$recorder NVTX_RECORD=$work/ranges run --set run.directory=recorded >/dev/null 2>&1
[ "$(tail -n 1 ranges)" = "0 open" ] || fail "at the end $(tail -n 1 ranges)"
[ "$(grep -c '^step$' ranges)" = 3 ] || fail "$(grep -c '^step$' ranges) steps of 3"
# A step's phases, in lower case unlike operations, in their order.
sed -n '/^step$/,$p' ranges | sed -n '2,$p' | sed '/^[^ ]/,$d' | grep -E '^  [a-z]' | uniq >parts
printf '  data\n  forward\n  backward\n  optimizer\n' | cmp - parts || fail "a step has $(cat parts)"
awk '/^[^ ]/ { part = "" } /^  [^ ]/ { part = $1 } /^ *Linear$/ { seen[part] = 1 } /^ *Adam$/ { adam[part] = 1 }
  END { exit !(seen["forward"] && seen["backward"] && adam["optimizer"] && !adam["forward"]) }' ranges ||
  fail "operations are not where they belong: $(head -n 40 ranges)"
echo "all held"
