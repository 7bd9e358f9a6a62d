#!/usr/bin/env bash
# All that only a GPU can show, in one command, with one report. In a folder that //tools:bundle made:
#
#   ./gpu_suite [--report FILE] [--data GRAPHSAT.pkl] [--peer "python3 lps_torch.py"] [--only REGEX]
#
# or `bazel test //tests:gpu_suite`. Each kernel against the host's; the recorded cases in f64 and f32; allocations and
# waits of a warm step; the same bits twice, and after a stop; losses of training that follow the host's, on particles and,
# where there is GRAPHSAT.pkl (--data, $ORBIT_EXP or data/ in the bundle), on EXP; precisions; times, beside those of the
# peer that `bench --peer` takes; compute-sanitizer's four tools, where it is installed, on every kernel. --only runs the
# checks whose name matches. A check that hangs is ended. The last line is the outcome; without a GPU it says so, and all
# is well; with one that cannot be used, for an old driver say, the suite fails.
set -uo pipefail
run=$1 goldens=$2 # RUN PROGRAM ARGUMENT... runs a program: the bundle's `run`, or //tools:orbit
shift 2
case $run in /*) ;; *) run=$PWD/$run ;; esac
here=$(dirname "$run")
report=${TEST_UNDECLARED_OUTPUTS_DIR:-.}/gpu_report.txt data=${ORBIT_EXP:-$here/data/GRAPHSAT.pkl} peer='' only=.
while [ $# -gt 0 ]; do
  case $1 in
    --report) report=$2 ;;
    --data) data=$2 ;;
    --peer) peer=$2 ;;
    --only) only=$2 ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift 2 || exit 2
done
# For tests of this file: another device than a GPU, a run of few steps, another limit than the checks' own, and, in
# $ORBIT_SUITE_GPUS, other files than those that drivers make for GPUs.
device=${ORBIT_SUITE_DEVICE:-cuda}
limit=${ORBIT_SUITE_LIMIT:-600}

start() { timeout -k 20 "$limit" "$run" "$@"; } # PROGRAM ARGUMENT...
reason=$(start bench --device "$device" --list 2>&1 >/dev/null) || {
  case $reason in
    *"no $device here"*)
      if compgen -G "${ORBIT_SUITE_GPUS:-/dev/nvidia[0-9]*}" >/dev/null; then
        echo "gpu_suite: failed: there is a GPU, and it cannot be used: ${reason#bench: error: }" && exit 1
      fi
      echo "skipped: ${reason#bench: error: }" && exit 0
      ;;
    *) echo "gpu_suite: failed: $reason" && exit 1 ;;
  esac
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ORBIT_CACHE=$work/cache
unset BUILD_WORKING_DIRECTORY
passed=0 failed=0 left_out=0
: >"$report" || exit 1
say() { echo "$*" | tee -a "$report"; }
check() { # NAME COMMAND...
  local name=$1 begin=$SECONDS status=0
  shift
  : >"$work/out"
  [[ $name =~ $only ]] || return 0
  "$@" >"$work/out" 2>&1 || status=$?
  if [ "$status" = 0 ]; then
    say "ok        $name ($((SECONDS - begin)) s)"
    passed=$((passed + 1))
    return
  fi
  [ "$status" != 124 ] && [ "$status" != 137 ] || status="$status: it was ended after $limit s"
  say "FAILED    $name, status $status; its last lines:"
  tail -n 30 "$work/out" | sed 's/^/          /' | tee -a "$report"
  failed=$((failed + 1))
}
leave_out() { # NAME WHY
  [[ $1 =~ $only ]] || return 0
  say "left out  $1: $2"
  left_out=$((left_out + 1))
}
show() { grep -E "$1" "$work/out" | sed 's/^/          /' >>"$report"; } # of the last check

say "$(date -u '+%Y-%m-%d %H:%M UTC'), $device: $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -n 1)"
tests=$(start --list | grep '_test$') # of kernels, NAME_cuda_test, and of what the engine does with a GPU
on_gpu() { start "$1" && { [ "$device" != cuda ] || ! grep -q 'no GPU here' "$work/out"; }; }
for test in $tests; do check "$test" on_gpu "$test"; done
for dtype in f64 f32; do
  check "recorded cases in $dtype" start parity --device "$device" --dtype "$dtype" "$goldens"
  show 'outputs'
done

# Particles: a small model, a minute on two cores of the host. EXP: the published one, 3 epochs with 2 samples.
particles() { # DEVICE NAME ARGUMENT...
  local where=$1 name=$2 size=(--set data.train=600 --set data.valid=100 --set data.test=100 --set train.batch=50
    --set train.samples=4 --set model.transformer.layers=2 --set train.schedule=constant --set train.steps=120
    --set log.every=20)
  shift 2
  [ -z "${ORBIT_SUITE_DEVICE:-}" ] || size=(--set data.train=20 --set data.valid=4 --set data.test=4 --set train.batch=4
    --set train.samples=2 --set model.transformer.layers=1 --set model.transformer.width=16 --set model.transformer.heads=2
    --set model.network.hidden=12 --set evaluation.samples=1 --set evaluation.test_samples=1 --set train.schedule=constant
    --set train.steps=6 --set log.every=1)
  start train --device "$where" --set run.directory="$work/$name" "${size[@]}" "$@"
}
graphs() { # DEVICE NAME ARGUMENT...
  local where=$1 name=$2
  shift 2
  start train --device "$where" --preset exp_classify_mlp_ps --set data.path="$data" --set run.directory="$work/$name" \
    --set train.samples=2 --set train.epochs=3 --set evaluation.every=3 --set evaluation.samples=1 \
    --set evaluation.test_samples=1 --set log.every=4 "$@"
}
tensors() { tail -c +"$((9 + $(head -c 8 "$1" | od -An -tu8)))" "$1"; } # of a checkpoint; its header has the run's name
same_tensors() { cmp <(tensors "$work/$1/last.safetensors") <(tensors "$work/$2/last.safetensors"); }
same_bits() { # TRAINING
  "$1" "$device" "$1-first" && "$1" "$device" "$1-second" && same_tensors "$1-first" "$1-second"
}
same_bits_after_a_stop() { # the first half, then the rest, against what `same_bits particles` left
  local steps=60
  [ -z "${ORBIT_SUITE_DEVICE:-}" ] || steps=3
  [ -d "$work/particles-first" ] || particles "$device" particles-first || return
  particles "$device" stopped --set train.steps="$steps" &&
    start train --device "$device" --resume "$work/stopped" --set train.steps=$((2 * steps)) &&
    same_tensors particles-first stopped
}
same_bits_in_a_launch() { # a step, against what `same_bits particles` left
  [ -d "$work/particles-first" ] || particles "$device" particles-first || return
  particles "$device" captured --graph && same_tensors particles-first captured
}
losses() { sed -nE 's/.*"train\/loss":([^,}]*).*/\1/p' "$work/$1/metrics.jsonl"; }
follows() { # TRAINING: the losses of both runs, line by line, within 5 %
  "$1" cpu "$1-host" && "$1" "$device" "$1-gpu" && paste <(losses "$1-host") <(losses "$1-gpu") |
    awk '{ print "loss", $1, $2; if ($2 !~ /^[0-9]/ || ($1 - $2) ^ 2 > (0.05 * $1) ^ 2) bad = 1 } END { exit bad || NR < 6 }'
}
learns() { # PRECISION: the loss is lower at the end
  particles "$device" "$1" --precision "$1" && losses "$1" |
    awk '{ print "loss", $1; if (NR == 1) first = $1; last = $1 } END { exit !(NR >= 6 && last < first) }'
}
check "particles: losses follow the host's" follows particles
show '^loss'
check "particles: the same bits twice" same_bits particles
check "particles: the same bits after a stop" same_bits_after_a_stop
check "particles: the same bits of captured steps" same_bits_in_a_launch
for precision in tf32 bf16; do
  check "particles: learns in $precision" learns "$precision"
  show '^loss'
done
if [ -e "$data" ]; then
  check "EXP: losses follow the host's" follows graphs
  show '^loss'
  check "EXP: the same bits twice" same_bits graphs
else
  leave_out "EXP" "no GRAPHSAT.pkl; --data or \$ORBIT_EXP names it"
fi

benchmarks=()
[ -z "${ORBIT_SUITE_DEVICE:-}" ] || benchmarks=(--filter gram_schmidt --repeats 1)
for precision in f32 tf32 bf16; do
  check "times in $precision" start bench --device "$device" --precision "$precision" "${benchmarks[@]}" ${peer:+--peer "$peer"}
  show '^{'
done

if command -v compute-sanitizer >/dev/null; then
  sanitized() { # TOOL PROGRAM ARGUMENT...
    local tool=$1
    shift
    timeout -k 20 "$limit" compute-sanitizer --tool "$tool" --target-processes all --error-exitcode 9 "$run" "$@"
  }
  for tool in memcheck racecheck initcheck synccheck; do
    for test in $tests; do
      case $tool/$test in memcheck/* | */*_cuda_test) check "$test under $tool" sanitized "$tool" "$test" ;; esac
    done
  done
else
  leave_out "memcheck, racecheck, initcheck, synccheck" "compute-sanitizer is not installed"
fi

say "gpu_suite: $passed passed, $failed failed, $left_out left out; the report is $report"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
