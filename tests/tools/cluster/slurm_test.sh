#!/usr/bin/env bash
# The scripts for sbatch on a Slurm of two hosts. A run that is warned of its time limit, comes back, is pre-empted and comes
# back again ends with the bits of one that was left alone. Where there is no Slurm, or hosts cannot be made, the test says
# so and passes.
. tests/tools/two_hosts.sh
. tests/tools/cluster/slurm.sh
missing=$(missing_for_slurm)
enter_machine "$0" "$@"
train=$PWD/$1 launch=$PWD/$2 many_nodes=$PWD/$3 one_node=$PWD/$4
. tests/tools/testing.sh
trap 'if [ $? != 0 ]; then slurm_logs; tail -n 30 "$work"/*.log >&2; fi' EXIT
start_hosts head node1 node2
start_slurm

mkdir bundle
ln -s "$train" bundle/train
ln -s "$launch" bundle/launch
export ORBIT=$work/bundle ORBIT_RUN=$work/run OMP_NUM_THREADS=1
settings=("${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20 --set train.batch=20
  --set train.samples=2 --set train.schedule=constant --set evaluation.every=5 --set evaluation.samples=2
  --set evaluation.test_samples=4 --device cpu --threads 1 --deadline 60)
# submit LOG OPTION... SCRIPT ARGUMENT...: prints the job's number.
submit() { on head sbatch --parsable --chdir="$work" --output="$work/$1.log" "${@:2}"; }
field() { on head scontrol show job "$1" | grep -oP "\b$2=\K\S+"; }
has() { [ "$(field "$1" "$2")" = "$3" ]; }
ended() { [[ $(field "$1" JobState) =~ COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL ]]; }
says() { grep -q -- "$2" "$1.log"; }
await() { # await WHAT COMMAND...
  local i
  for i in $(seq 600); do
    if "${@:2}"; then return 0; fi
    [[ ! $(field "$job" JobState) =~ FAILED|CANCELLED|TIMEOUT ]] || fail "the job is ${BASH_REMATCH[0]} before $1"
    sleep 0.4
  done
  on head squeue >&2
  fail "$1 takes more than four minutes"
}

echo "--- a job of two nodes is warned of its time limit: it saves and goes back to the queue"
job=$(submit job --ntasks-per-node=1 --gpus-per-node=1 "$many_nodes" "${settings[@]}" --set train.steps=1000000)
saved() { [ -s "$1/last.safetensors" ]; }
await "the first checkpoint" saved run
ran=$(($(date +%s) - $(date -d "$(field "$job" StartTime)" +%s)))
on head scontrol update job="$job" TimeLimit=$((ran / 60 + 2))  # ends within the 120 s of the script's --signal

echo "--- meanwhile a job of one node is warned as well: its ranks save and stop"
one=$(ORBIT_RUN= submit one --cpus-per-task=1 --gpus=2 "$one_node" "${settings[@]}" --set train.steps=1000000 \
  --set run.directory=one)
await "the first checkpoint on one node" saved one
on head scancel --batch --signal=USR1 "$one"
await "the end on one node" ended "$one"
has "$one" ExitCode 138:0 || fail "the job on one node has ended with $(field "$one" ExitCode)"
says one "rank 0 of 2 on" || fail "there are not two ranks on one node"
says one "stopped after step" || fail "the ranks on one node have not saved"

await "the return to the queue" has "$job" Restarts 1
await "the end of its processes" has "$job" JobState PENDING
says job "stopped after step" || fail "the job has not saved before it went back to the queue"
! says job "DUE TO TIME LIMIT" || fail "the job has not gone back to the queue in time"
on head scontrol update job="$job" TimeLimit=60 StartTime=now+3

echo "--- it goes on, and another job pre-empts it"
await "the second start" says job "resuming"
other=$(submit other --partition=high --nodes=2 --exclusive --wrap "sleep 1")
await "the pre-emption" has "$job" Restarts 2
saved_again() { [ "$(grep -c "stopped after step" job.log)" = 2 ]; }
await "the save of a job that is pre-empted" saved_again

echo "--- it goes on to its end, now 100 steps away"
steps=$((100 + $(grep -oP "stopped after step \K[0-9]+" job.log | tail -n 1)))
sed -i "s/^train.steps: [0-9]*/train.steps: $steps/" run/config.yaml
await "the other job" ended "$other"
await "the end of its processes" has "$job" JobState PENDING
on head scontrol update job="$job" StartTime=now+3
await "the end" ended "$job"
has "$job" JobState COMPLETED || fail "the job is $(field "$job" JobState)"
says job "rank 0 of 2 on node1" || fail "the ranks are not on two hosts: $(grep "rank 0" job.log)"

echo "--- with the bits of a run that was left alone"
"$launch" -n 2 -- "$train" "${settings[@]}" --set train.steps=$steps --set run.directory=whole >out 2>err || fail "two ranks"
same_bits whole run
[ "$(grep "test mse" job.log)" = "$(grep "test mse" out | cut -d" " -f2-)" ] || fail "another result: $(grep "test mse" job.log)"
echo "$steps steps"
