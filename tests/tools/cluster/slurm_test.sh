#!/usr/bin/env bash
# The script for many nodes on a Slurm of two hosts: a run that is pre-empted, requeued and goes on ends with the bits of
# one that never was. It is left out where there is no Slurm, or the rights to make hosts are missing.
train=$PWD/$1 launch=$PWD/$2 script=$PWD/$3 hosts=$PWD/$4
. tests/tools/testing.sh
. "$hosts"

missing=$(missing_for_hosts)
if [ -n "$missing" ]; then
  echo "SKIPPED, as there is not:" $missing
  exit 0
fi
trap stop_hosts EXIT
start_hosts

mkdir bundle
ln -s "$train" bundle/train
settings=("${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20 --set train.batch=20
  --set train.samples=2 --set evaluation.every=1 --set evaluation.samples=2 --set evaluation.test_samples=4
  --device cpu --threads 1 --deadline 20)
export ORBIT=$work/bundle ORBIT_RUN=$work/run OMP_NUM_THREADS=1

# As many steps as take some 20 s: there is time to pre-empt them on any machine.
begin=$(date +%s%N)
"$launch" -n 2 -- "$train" "${settings[@]}" --set train.steps=200 --set run.directory=pace >out 2>err || fail "two ranks"
milliseconds=$((($(date +%s%N) - begin) / 1000000))
settings+=(--set train.steps=$((200 * 20000 / milliseconds + 60)))
"$launch" -n 2 -- "$train" "${settings[@]}" --set run.directory=whole >out 2>err || fail "two ranks"

echo "--- a job of two nodes is pre-empted once it has saved"
job=$(on hc sbatch --parsable --chdir="$work" --output="$work/job.log" "$script" "${settings[@]}")
state() { on hc scontrol show job "$1" | grep -o "$2=[^ ]*" | cut -d= -f2; }
await() { # await SECONDS WHAT COMMAND...
  local i
  for i in $(seq $(($1 * 5))); do
    if "${@:3}"; then return 0; fi
    sleep 0.2
  done
  cat job.log >&2
  fail "$2 takes more than $1 s; the job is $(state "$job" JobState)"
}
saved() { [ -s run/last.safetensors ]; }
await 60 "the first checkpoint" saved
other=$(on hc sbatch --parsable --partition=high --nodes=2 --exclusive --output=/dev/null --wrap "sleep 1")
restarted() { [ "$(state "$job" Restarts)" = 1 ]; }
await 60 "the pre-emption" restarted

echo "--- it comes back and goes on"
ended() { case $(state "$1" JobState) in COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL) ;; *) return 1 ;; esac; }
await 60 "the other job" ended "$other"
on hc scontrol update job="$job" StartTime=now
await 180 "the end" ended "$job"
[ "$(state "$job" JobState)" = COMPLETED ] || { cat job.log >&2 && fail "the job is $(state "$job" JobState)"; }
grep -q "resuming" job.log || fail "the job began anew"
grep -q "rank 0 of 2 on h1" job.log || fail "the ranks are not on two hosts: $(grep 'rank 0' job.log)"

echo "--- with the bits of a run that was not pre-empted"
tensors() { tail -c +"$((9 + $(head -c 8 "$1" | od -An -tu8)))" "$1"; }
cmp <(tensors whole/last.safetensors) <(tensors run/last.safetensors)
[ "$(grep 'test mse' job.log)" = "$(grep 'test mse' out | cut -d' ' -f2-)" ] || fail "another result: $(grep 'test mse' job.log)"
