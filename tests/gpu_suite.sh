#!/usr/bin/env bash
# All that only a GPU can show, in one command, with one report:
#
#   bazel test //tests:gpu_suite                  or, in a folder that //tools:bundle made,
#   ./gpu_suite [REPORT]                          (default: gpu_report.txt)
#
# Each kernel against the host's; the recorded cases in f32 and f64; memory, copies and counts of waits; the same bits
# twice; losses of training that follow the host's; compute-sanitizer, where it is installed, on the kernels; times. Says
# so and ends well where there is no GPU.
set -uo pipefail
bundle=$1 report=${2:-gpu_report.txt}
start() { # PROGRAM ARGUMENT...: from the bundle, or from Bazel's folders
  local name=$1
  shift
  if [ -x "$bundle/run" ]; then "$bundle/run" "$name" "$@"; else "$(find -L tools tests -name "$name" -type f | head -n 1)" "$@"; fi
}
programs() {
  if [ -x "$bundle/run" ]; then ls "$bundle/programs"; else find -L tests -name '*_cuda_test' -type f -printf '%f\n' | sort; fi
}
goldens=tests/goldens
[ -d "$goldens" ] || goldens=$bundle/tests/goldens

reason=$(start bench --device cuda --list 2>&1 >/dev/null) || {
  echo "skipped: $reason"
  exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORBIT_CACHE=$work/cache
failed=0 passed=0
: >"$report"
say() { echo "$*" | tee -a "$report"; }
check() { # NAME COMMAND...
  local name=$1 begin=$SECONDS
  shift
  if "$@" >"$work/out" 2>&1; then
    say "ok      $name ($((SECONDS - begin)) s)"
    passed=$((passed + 1))
  else
    say "FAILED  $name, status $?; its last lines:"
    tail -n 30 "$work/out" | sed 's/^/        /' | tee -a "$report"
    failed=$((failed + 1))
  fi
  cat "$work/out" >>"$work/all"
}

say "$(date -u '+%Y-%m-%d %H:%M UTC'), $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1 | head -n 1)"
for program in $(programs | grep '_cuda_test$'); do check "$program" start "$program"; done
check device_test start device_test
check warm_step_test start warm_step_test
for dtype in f64 f32; do
  check "recorded cases in $dtype" start parity --device cuda --dtype $dtype "$goldens"
  grep -E 'outputs|FAILED' "$work/out" >>"$report"
done

train() { # DEVICE RUN ARGUMENT...
  local device=$1 run=$2
  shift 2
  start train --device "$device" --set run.directory="$work/$run" --set data.train=600 --set data.valid=100 \
    --set data.test=100 --set train.batch=50 --set train.samples=4 --set model.transformer.layers=2 \
    --set train.steps=120 --set log.every=20 "$@"
}
same_bits() {
  train cuda first && train cuda second &&
    cmp <(tail -c +4096 "$work/first/best.safetensors") <(tail -c +4096 "$work/second/best.safetensors")
}
check "the same bits twice" same_bits
follows() { # the losses of both runs, line by line, within 5 %
  train cpu host && train cuda gpu &&
    paste <(sed -nE 's/.*"train\/loss":([^,}]*).*/\1/p' "$work/host/metrics.jsonl") \
      <(sed -nE 's/.*"train\/loss":([^,}]*).*/\1/p' "$work/gpu/metrics.jsonl") |
    awk '{ print; if (($1 - $2) ^ 2 > (0.05 * $1) ^ 2) bad = 1 } END { exit bad || NR < 6 }'
}
check "losses of training follow the host's" follows
for precision in tf32 bf16; do check "training in $precision" train cuda "$precision" --precision $precision; done

start_sanitized() { compute-sanitizer --tool "$1" --error-exitcode 9 "$bundle/programs/$2"; }
if command -v compute-sanitizer >/dev/null && [ -d "$bundle/programs" ]; then
  for program in $(programs | grep '_cuda_test$'); do
    for tool in memcheck racecheck; do
      check "$program under $tool" start_sanitized "$tool" "$program"
    done
  done
else
  say "left out: compute-sanitizer, which runs from a bundle where it is installed"
fi

say "times:"
start bench --device cuda 2>&1 | tee -a "$report"
say "$passed passed, $failed failed; the report is $report"
[ "$failed" = 0 ]
