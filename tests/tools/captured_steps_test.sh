#!/usr/bin/env bash
# captured_steps_test.sh TRAIN [RECORDER]: `train --graph` leaves what it leaves without, byte for byte: checkpoints and
# metrics, over validations, stopped and resumed; a failure is explained as well; the ranges that a profiler shows. On the
# emulator of GPUs. Without RECORDER (a build without CUDA has no ranges) all but the latter.
train=$PWD/$1 recorder=${2:+$PWD/$2}
. tests/tools/testing.sh
settings=(--set model.transformer.layers=1 --set model.transformer.width=8 --set model.transformer.heads=2
  --set model.network.hidden=12 --set model.network.dropout=0.2 --set data.train=13 --set data.valid=4 --set data.test=2
  --set train.batch=4 --set train.samples=2 --set train.steps=10 --set train.schedule=cosine --set train.warmup=0.2
  --set train.optimizer=adamw --set train.weight_decay=0.1 --set train.clip_norm=0.1 --set evaluation.samples=2
  --set evaluation.test_samples=2 --set evaluation.every=1 --set log.every=2)
run() { # DIRECTORY ARGUMENT...
  local directory=$1
  shift
  "$train" --device simt "${settings[@]}" --set run.directory="$directory" "$@" >"$directory.out" 2>"$directory.err"
}
untimed() { sed 's/,"seconds":[^,}]*//' "$1"; } # of metrics: all but the time they took
same() { # A B
  for checkpoint in last best; do
    cmp <(tensors_of "$1/$checkpoint.safetensors") <(tensors_of "$2/$checkpoint.safetensors") || fail "$checkpoint of $1 and $2"
  done
  cmp <(untimed "$1/metrics.jsonl") <(untimed "$2/metrics.jsonl") || fail "metrics of $1 and $2"
  cmp "$1.out" "$2.out" || fail "tests of $1 and $2"
}

echo "--- the same as without"
run plain
run graph --graph
same plain graph
grep -qE 'from step 3 on a step is one launch of [0-9]+ kernels' graph/log.txt || fail "nothing was captured: $(cat graph.err)"
! grep -q 'one launch' plain/log.txt || fail "captured without --graph"

echo "--- stopped and resumed"
"$train" --device simt "${settings[@]}" --set run.directory=stopped --graph >stopped.out 2>stopped.err &
process=$!
for _ in $(seq 600); do
  [ ! -s stopped/last.safetensors ] || break
  sleep 0.05
done
kill -s INT "$process" 2>/dev/null || true
# It may have been faster.
wait "$process" || "$train" --device simt --resume stopped --graph >stopped.out 2>stopped.err
same plain stopped

echo "--- what is refused, and a loss that is not finite"
! "$train" --device cpu "${settings[@]}" --set run.directory=cpu --graph >/dev/null 2>cpu.err || fail "a capture on the CPU"
grep -q 'steps on cpu cannot be captured' cpu.err || fail "on the CPU: $(cat cpu.err)"
! run infinite --graph --set train.learning_rate=600 || fail "a learning rate of 600 goes through"
grep -qE 'step [4-9] of 10: .*first appeared' infinite.err || fail "a NaN is not explained: $(cat infinite.err)"

[ -n "$recorder" ] || { echo "no CUDA in this build: no ranges"; exit 0; }
NVTX_INJECTION64_PATH=$recorder NVTX_RECORD=$work/ranges run recorded --graph --profile-steps 5:6 --set train.steps=6
[ "$(tail -n 1 ranges)" = "0 open" ] || fail "at the end $(tail -n 1 ranges)"
# The phases of each step, in lower case unlike operations: two of warm-up, the one that is captured and launched, and
# launches.
awk '/^[^ ]/ { if (parts) print parts; parts = "" } /^step$/ { parts = "step" } parts && /^  [a-z]/ { parts = parts " " $1 }' \
  ranges | sed 's/optimizer.*/optimizer/' >parts
eager="step data forward backward optimizer"
printf '%s\n' "$eager" "$eager" "step data capture graph" "step data graph" "step data graph" "step data graph" |
  cmp - parts || fail "steps have $(cat parts)"
echo "all held"
