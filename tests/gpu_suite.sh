#!/usr/bin/env bash
# All that only a GPU can show, in one command, with one report. In a folder that //tools:bundle made:
#
#   ./gpu_suite [--quick] [--report FILE] [--data GRAPHSAT.pkl] [--peer "python3 lps_torch.py"] [--only REGEX]
#
# or `bazel test //tests:gpu_suite`. --quick takes four minutes on a host with 16 cores: the card and its driver, each
# kernel against the host's, the recorded cases in f64 and f32, the same bits twice and of captured steps, allocations
# and waits of a warm step, the headline benchmarks, and what is not used unless asked for ($ORBIT_WITH). Without it all
# the rest, too: losses of training that follow the host's, on particles and, where there is GRAPHSAT.pkl (--data,
# $ORBIT_EXP or data/ in the bundle), on EXP; the same bits after a stop; precisions; all times, beside those of the peer
# that `bench --peer` takes; compute-sanitizer's four tools, where it is installed, on every kernel. --only runs the
# checks whose name matches. A check that hangs is ended.
#
# Every check's line is in the report at once, and the same command goes on behind them where a time limit ended it; a
# report that is finished is begun anew. A kernel's test or a recorded case that fails is tried without each
# implementation that has another one beside it ($ORBIT_WITHOUT, kernels/alternatives.h); one that makes it pass is
# named, and left out from there on, so that it does not hide the rest. The last line is the outcome; without a GPU it
# says so, and all is well; with one that cannot be used, for an old driver say, the suite fails.
set -uo pipefail
run=$1 goldens=$2 # RUN PROGRAM ARGUMENT... runs a program: the bundle's `run`, or //tools:orbit
shift 2
case $run in /*) ;; *) run=$PWD/$run ;; esac
here=$(dirname "$run")
report=${TEST_UNDECLARED_OUTPUTS_DIR:-.}/gpu_report.txt data=${ORBIT_EXP:-$here/data/GRAPHSAT.pkl} peer='' only=. quick=''
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=yes && shift && continue ;;
    --report) report=$2 ;;
    --data) data=$2 ;;
    --peer) peer=$2 ;;
    --only) only=$2 ;;
    *) sed -n '2,21s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift 2 || exit 2
done
# For tests of this file: another device than a GPU, a run of few steps, another limit than the checks' own, and, in
# $ORBIT_SUITE_GPUS, other files than those that drivers make for GPUs.
device=${ORBIT_SUITE_DEVICE:-cuda}
limit=${ORBIT_SUITE_LIMIT:-$([ -n "$quick" ] && echo 120 || echo 600)}
alternatives="attention_tensor_core transformer_layer_on_chip cublaslt"

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

say() { echo "$*" | tee -a "$report"; }
what="gpu_suite${quick:+ --quick} on $device, checks '$only', of $(cat "$run" "$here/orbit" 2>/dev/null | cksum | cut -d ' ' -f 1)"
if [ "$(head -n 1 "$report" 2>/dev/null)" = "$what" ] && ! tail -n 1 "$report" | grep -q '^gpu_suite: '; then
  say "          (goes on)"
else
  : >"$report" || exit 1
  say "$what"
fi
is_done() { grep -qE "^(ok       |FAILED   |left out ) $(sed 's/[][\.*^$+?(){}|/]/\\&/g' <<<"$1")( \(|,|:)" "$report"; }
# A check's lines come together, also where checks run side by side.
check() { # NAME COMMAND...; lines of its output that match $show are in the report
  local name=$1 begin=$SECONDS status=0 out
  shift
  [[ $name =~ $only ]] && ! is_done "$name" || return 0
  out=$(mktemp "$work/out.XXXXXX")
  [ ! -s "$work/without" ] || export ORBIT_WITHOUT=$(cat "$work/without")
  "$@" >"$out" 2>&1 || status=$?
  {
    if [ "$status" = 0 ]; then
      echo "ok        $name ($((SECONDS - begin)) s)"
      if [ -n "${show:-}" ]; then grep -E "$show" "$out" | sed 's/^/          /'; fi
    else
      case $status in 124 | 137) status="$status: it was ended after $limit s" ;; esac
      echo "FAILED    $name, status $status; its last lines:"
      tail -n 30 "$out" | sed 's/^/          /'
    fi
  } >"$out.report"
  (
    flock 9
    cat "$out.report" >>"$report"
    if [ "$status" = 0 ]; then head -n 1 "$out.report"; else cat "$out.report"; fi
  ) 9>"$work/lock"
  rm -f "$out" "$out.report"
  case $name/$status in
    */0 | */124* | */137*) ;;
    *_test/* | recorded*) try_alternatives "$name" "$@" ;; # others take too long to be repeated
  esac
}
try_alternatives() { # NAME COMMAND...: finds the implementation that is at fault, if it has another one beside it
  local name=$1 alternative without
  shift
  for alternative in $alternatives; do
    case ,${ORBIT_WITHOUT:-}, in *,$alternative,*) continue ;; esac
    without=${ORBIT_WITHOUT:+$ORBIT_WITHOUT,}$alternative
    ORBIT_WITHOUT=$without "$@" >/dev/null 2>&1 || continue
    echo "$without" >"$work/without"
    (flock 9 && say "          $name passes with ORBIT_WITHOUT=$without, which holds for the checks to come") 9>"$work/lock"
    return
  done
}
# Checks that do not mind each other, as many at a time as the host has cores for: check_all COMMAND NAME...
check_all() {
  local command=$1 name jobs
  shift
  jobs=$((($(nproc) + 1) / 2))
  case $(nvidia-smi --query-gpu=compute_mode --format=csv,noheader 2>/dev/null) in *Exclusive*) jobs=1 ;; esac
  for name in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    check "$name" "$command" "$name" &
  done
  wait
}
leave_out() { # NAME WHY
  [[ $1 =~ $only ]] && ! is_done "$1" || return 0
  say "left out  $1: $2"
}

card() {
  date -u '+%Y-%m-%d %H:%M UTC'
  start bench --device "$device" --list 2>&1 >/dev/null
  [ "$device" = cuda ] || return 0
  nvidia-smi --format=csv \
    --query-gpu=name,driver_version,memory.total,memory.used,clocks.max.sm,power.limit,clocks_throttle_reasons.active || return
  [ "$(nvidia-smi --query-compute-apps=pid --format=csv,noheader | wc -l)" = 0 ] || echo "others compute on it, too: times are not to be trusted"
}
show=. check "card and driver" card
tests=$(start --list | grep '_test$') # of kernels, NAME_cuda_test, and of what the engine does with a GPU
on_gpu() { start "$1" && { [ "$device" != cuda ] || ! grep -q 'no GPU here' "$out"; }; }
check_all on_gpu $tests
for dtype in f64 f32; do
  show=outputs check "recorded cases in $dtype" start parity --device "$device" --dtype "$dtype" "$goldens"
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
  rm -rf "${work:?}/$name"
  start train --device "$where" --set run.directory="$work/$name" "${size[@]}" "$@"
}
graphs() { # DEVICE NAME ARGUMENT...
  local where=$1 name=$2
  shift 2
  rm -rf "${work:?}/$name"
  start train --device "$where" --preset exp_classify_mlp_ps --set data.path="$data" --set run.directory="$work/$name" \
    --set train.samples=2 --set train.epochs=3 --set evaluation.every=3 --set evaluation.samples=1 \
    --set evaluation.test_samples=1 --set log.every=4 "$@"
}
tensors() { tail -c +"$((9 + $(head -c 8 "$1" | od -An -tu8)))" "$1"; } # of a checkpoint; its header has the run's name
same_tensors() { cmp <(tensors "$work/$1/last.safetensors") <(tensors "$work/$2/last.safetensors"); }
same_bits() { # TRAINING
  "$1" "$device" "$1-first" && "$1" "$device" "$1-second" && same_tensors "$1-first" "$1-second"
}
same_bits_after_a_stop() { # the first half, then the rest, against an unbroken run
  local steps=60
  [ -z "${ORBIT_SUITE_DEVICE:-}" ] || steps=3
  particles "$device" unbroken && particles "$device" stopped --set train.steps="$steps" &&
    start train --device "$device" --resume "$work/stopped" --set train.steps=$((2 * steps)) &&
    same_tensors unbroken stopped
}
same_bits_in_a_launch() { particles "$device" launches && particles "$device" captured --graph && same_tensors launches captured; }
losses() { sed -nE 's/.*"train\/loss":([^,}]*).*/\1/p' "$work/$1/metrics.jsonl"; }
follows() { # TRAINING: the losses of both runs, line by line, within 5 %
  "$1" cpu "$1-host" && "$1" "$device" "$1-gpu" && paste <(losses "$1-host") <(losses "$1-gpu") |
    awk '{ print "loss", $1, $2; if ($2 !~ /^[0-9]/ || ($1 - $2) ^ 2 > (0.05 * $1) ^ 2) bad = 1 } END { exit bad || NR < 6 }'
}
learns() { # PRECISION: the loss is lower at the end
  particles "$device" "$1" --precision "$1" && losses "$1" |
    awk '{ print "loss", $1; if (NR == 1) first = $1; last = $1 } END { exit !(NR >= 6 && last < first) }'
}
times() { # PRECISION ARGUMENT...
  local precision=$1
  shift
  start bench --device "$device" --precision "$precision" ${peer:+--peer "$peer"} "$@"
}
few=()
[ -z "${ORBIT_SUITE_DEVICE:-}" ] || few=(--filter gram_schmidt --repeats 1)

check "particles: the same bits twice" same_bits particles
check "particles: the same bits of captured steps" same_bits_in_a_launch
headline=(f32:'^(nbody_paper_step_graph|sinkhorn_1280x188)$' tf32:'^nbody_paper_step_graph$'
  bf16:'^(nbody_paper_step_graph|attention_197x12x64_bf16.*|vit_base_layer)$')
for each in "${headline[@]}"; do
  chosen=(--filter "${each#*:}")
  [ -z "${ORBIT_SUITE_DEVICE:-}" ] || chosen=("${few[@]}")
  show='^\{' check "headline times in ${each%%:*}" times "${each%%:*}" "${chosen[@]}"
done
# What is not used unless asked for ($ORBIT_WITH, kernels/alternatives.h), whether it is right and what it gains.
with() { ORBIT_WITH=$1 "${@:2}"; } # NAME COMMAND...
for each in 'attention_wgmma attention_cuda_test ^attention_197x12x64_bf16$' \
  'cublaslt_epilogues linear_cuda_test ^vit_base_layer$' 'timed_matmul linear_cuda_test ^vit_base_layer$'; do
  read -r name test filter <<<"$each"
  chosen=(--filter "$filter")
  [ -z "${ORBIT_SUITE_DEVICE:-}" ] || chosen=("${few[@]}")
  check "$test with $name" with "$name" on_gpu "$test"
  show='^\{' check "times in bf16 with $name" with "$name" times bf16 "${chosen[@]}"
done
if [ -z "$quick" ]; then
  show='^loss' check "particles: losses follow the host's" follows particles
  check "particles: the same bits after a stop" same_bits_after_a_stop
  for precision in tf32 bf16; do
    show='^loss' check "particles: learns in $precision" learns "$precision"
  done
  if [ -e "$data" ]; then
    show='^loss' check "EXP: losses follow the host's" follows graphs
    check "EXP: the same bits twice" same_bits graphs
  else
    leave_out "EXP" "no GRAPHSAT.pkl; --data or \$ORBIT_EXP names it"
  fi
  for precision in f32 tf32 bf16; do
    show='^\{' check "times in $precision" times "$precision" "${few[@]}"
  done
  if command -v compute-sanitizer >/dev/null; then
    sanitized() { # "TEST under TOOL"
      timeout -k 20 "$limit" compute-sanitizer --tool "${1##* }" --target-processes all --error-exitcode 9 "$run" "${1%% *}"
    }
    for tool in memcheck racecheck initcheck synccheck; do
      for test in $tests; do
        case $tool/$test in
          memcheck/* | */*_cuda_test) check "$test under $tool" sanitized "$test under $tool" ;;
        esac
      done
    done
  else
    leave_out "memcheck, racecheck, initcheck, synccheck" "compute-sanitizer is not installed"
  fi
fi

count() { grep -c "^$1" "$report"; }
passed=$(count 'ok  ') failed=$(count 'FAILED  ')
say "gpu_suite: $passed passed, $failed failed, $(count 'left out  ') left out; the report is $report"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
