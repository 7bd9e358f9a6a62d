#!/usr/bin/env bash
# Training over several ranks as its users call it: the metrics of one process, one end for all, whatever happens to one
# of them, and a run that goes on where it was. ORBIT_KILLS and ORBIT_HANGS say how often ranks are killed and stopped at
# random moments.
train=$PWD/$1 evaluate=$PWD/$2 launch=$PWD/$3 nccl=$PWD/$4
. tests/tools/testing.sh

deadline=3
grace=8 # a rank that ends looks for the parts of the others for 5 s
small=("${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20 --set train.batch=20
  --set train.samples=3 --set evaluation.every=2 --set evaluation.samples=3 --set evaluation.test_samples=4 --threads 1
  --device cpu)
# over RANKS ARGUMENT...: trains.
over() { "$launch" -n "$1" --grace $grace -- "$train" "${small[@]}" --deadline $deadline "${@:2}"; }
# near FILE OTHER SHARE: whether the metrics in their last lines agree to a share.
near() {
  tail -q -n 1 "$1" "$2" | awk '{ print $NF }' | paste - - | awk -v s="$3" '{ exit !(($1 - $2) ^ 2 < (s * $1) ^ 2) }'
}
# The processes of the ranks of a job in the background, a line each: the launcher is the shell's child.
children() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }
ranks_of() { for launcher in $(children "$1"); do printf '%s\n' $(children "$launcher"); done; }

echo "--- one process and several have the same steps to rounding, whatever they divide"
"$train" "${small[@]}" --set train.steps=4 --set log.every=1 --set run.directory=one >one.out 2>err
for ranks in 2 3; do
  for more in train.shard=examples train.shard=samples train.shard_optimizer=true; do
    over $ranks --set train.steps=4 --set log.every=1 --set $more --set run.directory=$ranks-$more >out 2>err ||
      fail "$ranks ranks, $more"
    same_losses one $ranks-$more 4 || fail "$ranks ranks, $more: other losses"
    [ "$(grep -c 'test mse' out)" = 1 ] || fail "not one rank alone speaks"
  done
done

echo "--- a divided optimiser's state is in a file a rank, and the run goes on divided or not, on as many ranks or others"
# shards RUN RANKS: the names of these files, which have to be one whole set.
shards() {
  local names=("$1"/last.optimizer-*)
  [[ ${#names[@]} = "$2" && ${names[0]} = *-0-of-$2.safetensors ]] || fail "$1 has not the $2 parts of one state: ${names[*]}"
  printf '%s\n' "${names[@]}"
}
# same_divided RUN OTHER RANKS: whether the last checkpoints of two runs have the same tensors.
same_divided() {
  local rank
  shards "$1" "$3" >/dev/null
  shards "$2" "$3" >/dev/null
  same_bits "$1" "$2" || return 1
  for rank in $(seq 0 $(($3 - 1))); do
    cmp <(tensors_of "$1"/last.optimizer-*-"$rank"-of-*) <(tensors_of "$2"/last.optimizer-*-"$rank"-of-*) || return 1
  done
}
# goes_on RANKS RUN NAME ARGUMENT...: a copy of the run does two more steps.
goes_on() {
  cp -r "$2" "$3"
  "$launch" -n "$1" -- "$train" --resume "$3" --set train.steps=6 --threads 1 --device cpu "${@:4}" >out 2>err ||
    fail "$3: resume"
}
divided=2-train.shard_optimizer=true
shards $divided 2 >/dev/null
goes_on 2 2-train.shard=examples six
goes_on 2 $divided undivided --set train.shard_optimizer=false
same_bits six undivided || fail "a divided optimiser has other bits"
[ -z "$(find undivided -name '*optimizer*')" ] || fail "files are left that nothing refers to"
goes_on 2 2-train.shard=examples divided_later --set train.shard_optimizer=true
goes_on 2 $divided six_divided
same_divided six_divided divided_later 2 || fail "a divided optimiser went on with other bits"
goes_on 3 $divided on_three
goes_on 1 $divided on_one
shards on_three 3 >/dev/null
same_losses six on_three 6 && same_losses six on_one 6 || fail "other losses on other ranks"
rm "$(shards on_three 3 | tail -n 1)"
refuses "last.optimizer-" "$launch" -n 2 -- "$train" --resume on_three --set train.steps=8 --threads 1 --device cpu
"$evaluate" on_three --samples 1 --threads 1 --device cpu >out 2>err || fail "a test needs no optimiser"

echo "--- a gradient in bf16, and what ranks cannot divide"
over 2 --set train.steps=4 --set train.reduction=bf16 --set run.directory=rounded >out 2>err || fail "bf16"
refuses "examples in 1 micro-batches for 3 ranks" over 3 --set train.batch=2 --set run.directory=none
refuses "--graph is for one process" over 2 --graph --set run.directory=none
refuses "3 samples for 4 ranks" over 4 --set train.shard=samples --set run.directory=none

echo "--- NCCL, by its double on the emulator, has the bits of Gloo"
for library in gloo nccl; do
  ORBIT_NCCL=$nccl "$launch" -n 2 -- "$train" "${small_model[@]}" --set data.train=6 --set data.valid=2 --set data.test=2 \
    --set train.batch=6 --set train.samples=1 --set train.steps=1 --set train.reduction=bf16 --set evaluation.samples=1 \
    --set evaluation.test_samples=1 --device simt --threads 1 --collectives $library --set run.directory=$library \
    >out 2>err || fail "$library"
done
grep -q "rank 0 of 2 on .*, NCCL" err || fail "it is not NCCL"
same_bits gloo nccl || fail "NCCL has other bits than Gloo"

echo "--- evaluation over ranks"
"$evaluate" one --samples 4 --threads 1 --device cpu >one.out 2>err
for shard in examples samples; do
  "$launch" -n 3 -- "$evaluate" one --samples 4 --threads 1 --device cpu --set train.shard=$shard >out 2>err || fail "evaluate"
  near one.out out 1e-5 || fail "$shard: $(tail -n 1 out), not $(tail -n 1 one.out)"
done
refuses "has another evaluation.test_samples than rank 0" "$launch" -n 2 -- bash -c \
  '"$0" one --threads 1 --device cpu --set evaluation.test_samples=$((4 + RANK))' "$evaluate"

echo "--- a signal to one rank stops all after the same step; the run goes on, with the same bits, or on other ranks"
over 2 --set train.steps=60 --set log.every=1 --set run.directory=whole >whole.out 2>err || fail "two ranks"
over 2 --set train.steps=60 --set train.shard_optimizer=true --set run.directory=whole_divided >out 2>err || fail "two ranks"
# after_first_save DIRECTORY: waits until there is a checkpoint.
after_first_save() {
  for _ in $(seq 1200); do
    [ ! -s "$1/last.safetensors" ] || return 0
    sleep 0.05
  done
  fail "$1 has no checkpoint"
}
for signal in TERM USR1; do
  number=$((128 + $(kill -l $signal)))
  divided=$([ $signal = USR1 ] && echo true || echo false)
  over 2 --set train.steps=60 --set log.every=1 --set train.shard_optimizer=$divided --set run.directory=$signal \
    >out 2>err &
  job=$!
  after_first_save $signal
  kill -s $signal "$(ranks_of $job | tail -n 1)" 2>/dev/null || true
  status=0
  wait $job || status=$?
  if [ $status != 0 ]; then # it may have been faster
    [ $status = $number ] || fail "SIG$signal gives status $status, not $number"
    grep -q "go on with: .* --resume .*, on 2 ranks as before (launch -n 2 -- ..., srun ...)" err || fail "no word on the ranks"
    stopped=$(grep -oP "stopped after step \K[0-9]+" err) || fail "no word on how to go on"
    cp -r $signal $signal-other
    "$launch" -n 2 -- "$train" --resume $signal --threads 1 --device cpu >out 2>err || fail "resume"
    "$launch" -n 3 -- "$train" --resume $signal-other --threads 1 --device cpu >other.out 2>err || fail "resume on three"
    # In the first steps: roundings grow from one to the next.
    same_losses whole $signal-other $((stopped + 2 < 60 ? stopped + 2 : 60)) || fail "on three ranks: other losses"
  fi
  cmp whole.out out
  if [ $divided = true ]; then same_divided whole_divided $signal 2; else same_bits whole $signal; fi ||
    fail "SIG$signal and a resume give other bits"
done

echo "--- a signal to one rank stops a test on all"
over 2 --set train.steps=4 --set evaluation.test_samples=30000 --set run.directory=tested >out 2>err &
job=$!
for _ in $(seq 1200); do
  ! grep -qs '"step":4,"valid' tested/metrics.jsonl || break
  sleep 0.05
done
kill -s USR1 "$(ranks_of $job | tail -n 1)"
status=0
wait $job || status=$?
[ $status = 138 ] || fail "stopped in the test with status $status"
grep -q "stopped .*after step 4 of 4; go on with: .* --resume" err || fail "no word on how to go on"
"$launch" -n 2 -- "$train" --resume tested --set evaluation.test_samples=4 --threads 1 --device cpu >out 2>err || fail "resume"
near one.out out 1e-3 || fail "the test after a stop: $(tail -n 1 out), not $(tail -n 1 one.out)"

# ends_within SECONDS JOB WHAT: the job ends by itself, with a status that is not 0, one message, and no process left.
ends_within() {
  local begin=$SECONDS status=0 processes
  processes=$(ranks_of "$2")
  wait "$2" || status=$?
  [ $status != 0 ] || return 1
  [ $((SECONDS - begin)) -le "$1" ] || fail "$3: the job ended after $((SECONDS - begin)) s"
  for process in $processes; do
    ! kill -0 "$process" 2>/dev/null || fail "$3: process $process is left"
  done
}
random=1
draw() { # draw N: sets `drawn` to a number below N, the same in every run of the test; not in a subshell, which forgets
  random=$(((random * 1103515245 + 12345) % 2147483648))
  drawn=$((random / 65536 % $1))
}
often=(--set train.steps=100 --set evaluation.every=1)
# disturb SIGNAL NAME DIVIDED: a job of two ranks, a random one of which gets the signal at a random moment; then a resume.
disturb() {
  local signal=$1 name=$2 victim
  over 2 "${often[@]}" --set "train.shard_optimizer=$3" --set run.directory="$name" >out 2>err &
  local job=$!
  after_first_save "$name"
  draw 5
  sleep "0.$drawn"
  draw 2
  victim=$(ranks_of $job | sed -n "$((1 + drawn))p")
  kill -s "$signal" "$victim" 2>/dev/null || true
  if ends_within $((grace + 3 * deadline)) $job "$name"; then # it may have been faster
    hits=$((hits + 1))
    grep -qE "error: rank $((1 - drawn)) on .*: rank $drawn on [^ ]+ \\(process $victim\\)" err ||
      fail "no word on the loss of rank $drawn, process $victim"
    "$launch" -n 2 -- "$train" --resume "$name" --threads 1 --device cpu >out 2>err || fail "$name: resume"
  fi
  cmp often.out out || fail "$name gives another result"
  if [ "$3" = true ]; then same_divided often_divided "$name" 2; else same_bits often "$name"; fi ||
    fail "$name and a resume give other bits"
  rm -r "$name"
}
over 2 "${often[@]}" --set run.directory=often >often.out 2>err || fail "two ranks"
over 2 "${often[@]}" --set train.shard_optimizer=true --set run.directory=often_divided >out 2>err || fail "two ranks"
# disturb_often SIGNAL NAME TIMES DIVIDED
disturb_often() {
  hits=0
  for i in $(seq "$3"); do disturb "$1" "$2-$i" "$4"; done
  echo "$hits of $3 jobs were still running"
  [ $hits -gt 0 ] || fail "every job was faster"
}
echo "--- a rank that is killed ends the job"
disturb_often KILL kill "${ORBIT_KILLS:-2}" false
disturb_often KILL kill_divided "${ORBIT_KILLS:-2}" true
echo "--- a rank that hangs ends the job"
disturb_often STOP hang "${ORBIT_HANGS:-1}" false

echo "--- a NaN ends all, with one word on where it came from"
for shard in examples samples; do
  status=0
  over 2 --set train.steps=60 --set train.learning_rate=1e30 --set train.shard=$shard --set run.directory=nan-$shard \
    >out 2>err || status=$?
  [ $status != 0 ] || fail "$shard: a NaN went unnoticed"
  grep -qE "step [0-9]+ of 60: .*(is not finite|the loss is).*(on rank [01] of 2 on|could not be repeated)" err ||
    fail "$shard: no word on the NaN"
done

echo "--- a checkpoint that cannot be written is told, and kept"
status=0
(ulimit -f 20; trap '' XFSZ; over 2 --set train.steps=60 --set evaluation.every=1 --set run.directory=full >out 2>err) || status=$?
[ $status != 0 ] || fail "a run without its checkpoint has status 0"
[ "$(grep -c 'is kept in memory and tried again' err)" -ge 2 ] || fail "a full disk is not told of"

echo "--- where one rank cannot write its part, the old checkpoint stays, whole, and the run goes on once there is room"
over 2 --set train.steps=10 --set train.shard_optimizer=true --set run.directory=part >out 2>err || fail "two ranks"
cp -r part before
refuses "cannot write" "$launch" -n 2 --grace $deadline -- bash -c \
  'if [ "$RANK" = 1 ]; then trap "" XFSZ; ulimit -f 1; fi; exec "$0" --resume part --set train.steps=100 --threads 1 \
  --device cpu --deadline '$deadline "$train"
grep -qE "^\[1\] rank 1 of 2 .*cannot write .*-1-of-2.*is kept in memory and tried again" refused.err ||
  fail "rank 1 does not tell"
for file in before/last*; do cmp "$file" "part/${file#before/}" || fail "it did not stay"; done
[ "$(find part -name 'last.optimizer-*' | wc -l)" -le 4 ] || fail "parts pile up: $(ls part)"
"$launch" -n 2 -- "$train" --resume part --set train.steps=100 --set evaluation.every=1 --threads 1 --device cpu >out 2>err ||
  fail "resume"
shards part 2 >/dev/null
