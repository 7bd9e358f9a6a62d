#!/usr/bin/env bash
# gpu_suite_test.sh ORBIT: what tests/gpu_suite.sh makes of programs that do well, differ, hang, crash and find no GPU,
# and of being ended.
# Their part is played by a script, which needs no GPU; then the suite runs with the programs themselves, the emulator in
# the place of a GPU.
orbit=$PWD/$1 suite=$PWD/tests/gpu_suite.sh goldens=$PWD/tests/goldens
. tests/tools/testing.sh
mkdir bin

# DOES says what goes wrong, in which program.
cat >run <<'RUN'
#!/usr/bin/env bash
does() { [[ " $DOES " == *" $1 "* ]]; }
echo "$1" >>calls
case $1 in
  --list) printf 'attention_cuda_test\nbench\ncopy_cuda_test\nwarm_step_test\n' ;;
  bench)
    ! does broken || { echo "bench: error: looking for GPUs: unknown error" >&2; exit 1; }
    ! does absent || { echo "bench: error: no cuda here: there is no NVIDIA driver" >&2; exit 1; }
    echo "{\"name\":\"limits\",\"arguments\":\"$*\"}" ;;
  attention_cuda_test)
    if does untried && [ "${ORBIT_WITH:-}" = attention_wgmma ]; then exit 1; fi
    if does skip; then echo "no GPU here: unknown error"; fi ;;
  warm_step_test) if does wrong && [ "${ORBIT_WITHOUT:-}" != transformer_layer_on_chip ]; then exit 1; fi ;;
  copy_cuda_test) if does crash; then echo "bad copy"; exit 134; fi ;;
  parity) if does hang; then sleep 60; fi; echo "case outputs 1e-9" ;;
  train)
    device= directory= precision=f32
    while [ $# -gt 0 ]; do
      case $1 in
        --device) device=$2 ;;
        --precision) precision=$2 ;;
        --resume) directory=$2 resumed=yes ;;
        --graph) captured=yes ;;
      esac
      case ${2:-} in run.directory=*) directory=${2#run.directory=} ;; esac
      shift
    done
    mkdir -p "$directory"
    for i in 1 2 3 4 5 6; do
      loss=$((60 - i))
      if does differ && [ "$device" = cuda ]; then loss=$((loss + 4)); fi
      if does diverge && [ "$precision" = bf16 ]; then loss=$((60 + i)); fi
      if does infinite && [ "$device" = cuda ]; then loss=nan; fi
      echo "{\"step\":$i,\"train/loss\":$loss,\"train/gradient_norm\":1}"
    done >"$directory/metrics.jsonl"
    # A checkpoint: the header's length, the header with the run's name, the tensors.
    header="{$directory}"
    { printf "\\x$(printf %02x ${#header})\0\0\0\0\0\0\0%s" "$header"; echo tensors
      if does random; then echo "$RANDOM$RANDOM$RANDOM"; fi
      if does forget && [ -n "${resumed:-}" ]; then echo more; fi
      if does bake && [ -n "${captured:-}" ]; then echo more; fi; } >"$directory/last.safetensors" ;;
esac
RUN
chmod +x run
goes() { # DOES STATUS TEXT [ARGUMENT...]: the suite ends with the status, and says the text
  local status=0 does=$1 expected=$2 text=$3
  shift 3
  DOES=$does bash "$suite" "$work/run" "$goldens" "$@" >out 2>&1 || status=$?
  [ "$status" = "$expected" ] || fail "'$does': status $status"
  grep -qF -- "$text" out || fail "'$does': no '$text'"
}
cat >bin/nvidia-smi <<'SMI'
#!/usr/bin/env bash
case $* in *compute-apps*) ;; *) echo "name, driver_version"; echo "Some GPU, 580.1" ;; esac
SMI
chmod +x bin/nvidia-smi
PATH=$work/bin:$PATH
echo pickled >GRAPHSAT.pkl
goes "" 0 "gpu_suite: 24 passed, 0 failed, 2 left out; the report is ./gpu_report.txt"
tail -n 1 out | cmp - <(tail -n 1 gpu_report.txt)
grep -q "left out  EXP: no GRAPHSAT.pkl" gpu_report.txt || fail "EXP is not left out"
grep -q "left out  memcheck, racecheck, initcheck, synccheck: compute-sanitizer is not" out || fail "no word on compute-sanitizer"
grep -q "^          loss 57 57$" gpu_report.txt || fail "no losses in the report: $(cat gpu_report.txt)"
grep -q "^          Some GPU, 580.1$" gpu_report.txt || fail "the card is not in the report"
goes "" 0 "26 passed, 0 failed, 1 left out; the report is other.txt" --report other.txt --data GRAPHSAT.pkl --peer "python3 peer.py"
grep -q -- '--precision bf16 --peer python3 peer.py' other.txt || fail "the peer is not passed on"
goes "" 0 "gpu_suite: 17 passed, 0 failed, 0 left out" --quick
grep -q 'headline times in bf16' gpu_report.txt || fail "no headline times: $(cat gpu_report.txt)"
grep -q -- "--filter ^(nbody_paper_step_graph|attention_197x12x64_bf16.*|vit_base_layer)" gpu_report.txt || fail "other times"

# A time limit ends it; the same command goes on behind what was done, and anew once all is.
sed -i '/^gpu_suite: /d; /headline times in bf16/,$d' gpu_report.txt
: >calls
goes "" 0 "gpu_suite: 17 passed, 0 failed, 0 left out" --quick
[ "$(tr '\n' ' ' <calls)" = "bench --list bench $(printf '%s bench ' attention_cuda_test linear_cuda_test linear_cuda_test)" ] || fail "going on, it runs $(cat calls)"
: >calls
goes "" 0 "gpu_suite: 17 passed, 0 failed, 0 left out" --quick
[ "$(wc -l <calls)" = 21 ] || fail "a finished report is gone on with: $(cat calls)"
goes "" 0 "gpu_suite: 24 passed" # other checks: another report

# What is not used unless asked for fails: the checks without it do not.
goes untried 1 "FAILED    attention_cuda_test with attention_wgmma, status 1; its last lines" --quick
grep -q "ok        attention_cuda_test (" out || fail "it is tried with all"

# An implementation that fails is named and left out of the checks to come.
goes wrong 1 "FAILED    warm_step_test, status 1; its last lines" --quick
grep -q "^          warm_step_test passes with ORBIT_WITHOUT=transformer_layer_on_chip, which holds" gpu_report.txt ||
  fail "what is at fault is not found: $(cat gpu_report.txt)"
ORBIT_EXP=GRAPHSAT.pkl goes "" 0 "ok        EXP: losses follow the host's"
goes "" 0 "gpu_suite: 6 passed" --only '^times'
[ "$(grep -c limits gpu_report.txt)" = 6 ] && [ "$(wc -l <gpu_report.txt)" = 14 ] || fail "--only says more"
[ "$(wc -l <out)" = 8 ] || fail "--only says more"
goes "" 1 "gpu_suite: 0 passed" --only nothing
goes "" 2 "All that only a GPU can show" --bad
goes absent 0 "skipped: no cuda here: there is no NVIDIA driver"
touch nvidia0
ORBIT_SUITE_GPUS=$PWD/nvidia? goes absent 1 "gpu_suite: failed: there is a GPU, and it cannot be used: no cuda here: there is no NVIDIA"
goes broken 1 "gpu_suite: failed: bench: error: looking for GPUs: unknown error"
goes skip 1 "FAILED    attention_cuda_test"
goes crash 1 "FAILED    copy_cuda_test, status 134"
grep -q "^          bad copy" gpu_report.txt || fail "its last lines are not in the report"
ORBIT_SUITE_LIMIT=1 goes hang 1 "FAILED    recorded cases in f64, status 124: it was ended after 1 s" --only recorded
goes differ 1 "FAILED    EXP: losses follow the host's" --data GRAPHSAT.pkl
grep -q "FAILED    particles: losses follow the host's" out || fail "losses that differ pass"
goes infinite 1 "FAILED    particles: losses follow the host's"
goes diverge 1 "FAILED    particles: learns in bf16"
goes random 1 "FAILED    particles: the same bits twice"
goes forget 1 "FAILED    particles: the same bits after a stop"
goes bake 1 "FAILED    particles: the same bits of captured steps"

# compute-sanitizer finds something in one kernel.
cat >bin/compute-sanitizer <<'SANITIZER'
#!/usr/bin/env bash
while [ "$1" != --error-exitcode ]; do if [ "$1" = --tool ]; then tool=$2; fi; shift; done
shift 2
if [ "$tool $2" = "racecheck copy_cuda_test" ]; then echo "a race"; exit 9; fi
exec "$@"
SANITIZER
chmod +x bin/compute-sanitizer
goes "" 1 "FAILED    copy_cuda_test under racecheck, status 9"
grep -q "gpu_suite: 32 passed, 1 failed, 1 left out" out || fail "not all tools are called"

echo "--- the programs themselves, on the emulator"
ORBIT_SUITE_DEVICE=simt bash "$suite" "$orbit" "$goldens" --only '^particles|^times in f32|_cuda_test$' >out 2>&1 || fail "the emulator's report"
grep -q "ok        particles: losses follow the host's" out || fail "no losses compared"
echo "all held"
