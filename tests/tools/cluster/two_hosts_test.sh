#!/usr/bin/env bash
# Training on two hosts: as mpirun starts it from the host file of the documentation, and when the link between them goes
# down, which ends both ranks within the deadline with a word on where; the run then goes on to the bits of one that was left
# alone. Where hosts cannot be made, the test says so and passes.
. tests/tools/two_hosts.sh
enter_machine "$0" "$@"
train=$PWD/$1 launch=$PWD/$2 hosts=$PWD/$3 readme=$PWD/$4 library=$PWD/tests/tools/two_hosts.sh
. tests/tools/testing.sh
start_hosts node1 node2

deadline=10
settings=("${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20 --set train.batch=20
  --set train.samples=2 --set train.schedule=constant --set evaluation.every=5 --set evaluation.samples=2
  --set evaluation.test_samples=4)
options=(--device cpu --threads 1 --deadline $deadline)
left_alone() { # left_alone STEPS
  "$launch" -n 2 -- "$train" "${settings[@]}" --set train.steps="$1" --set run.directory="left_alone_$1" "${options[@]}" \
    >out 2>err || fail "two ranks"
}

echo "--- the link goes down: both ranks end within the deadline, and name the other"
variables=$(sed -nE 's/.*`(([A-Z_]+=[^ `]+ )+)train \.\.\.`.*/\1/p' "$readme") # that the documentation has for rank 0
[[ " $variables" == *" RANK=0 "* ]] || fail "the documentation has no variables for rank 0 of two: '$variables'"
# both ARGUMENT...: trains with rank 0 on node1 and rank 1 on node2; their outputs and statuses are in 0.out, 0.status ...
# Where `hidden` is a folder, node2 has another one there.
both() {
  local rank of_rank hide
  rm -f ./?.status
  for rank in 0 1; do
    {
      status=0
      read -ra of_rank <<<"${variables/ RANK=0 / RANK=$rank }"
      hide=
      [ $rank = 0 ] || hide=${hidden:-}
      on node$((rank + 1)) env "${of_rank[@]}" bash -c '[ -z "$0" ] || mount -t tmpfs none "$0"; exec "$@"' "$hide" "$train" \
        "$@" "${options[@]}" >$rank.out 2>&1 || status=$?
      echo $status >$rank.status
    } &
  done
}
# wait_both SECONDS STATUS
wait_both() {
  local rank end=$((SECONDS + $1))
  for rank in 0 1; do
    until [ -s $rank.status ]; do
      [ $SECONDS -le $end ] || fail "rank $rank takes more than $1 s: $(cat $rank.out)"
      sleep 0.1
    done
    [ "$(cat $rank.status)" = "$2" ] || fail "rank $rank has status $(cat $rank.status): $(cat $rank.out)"
  done
}
both "${settings[@]}" --set train.steps=1000000 --set run.directory=run
for _ in $(seq 1200); do [ ! -s run/last.safetensors ] || break; sleep 0.1; done
[ -s run/last.safetensors ] || fail "there is no checkpoint"
unplug node2
wait_both $((2 * deadline)) 1  # the deadline, and time to end on a busy machine
names() { # names RANK OTHER: what the rank says of where it was, and why it ended
  grep -qE "error: rank $1 on node$(($1 + 1)) .*, step [0-9]+ of [0-9]+, [a-z-]+ [0-9]+ of .*: rank $2 on node$(($2 + 1)) " \
    $1.out || fail "rank $1 has no clear word: $(cat $1.out)"
}
names 0 1
names 1 0

echo "--- the link comes back, and the run goes on"
plug node2
steps=$((20 + $(grep -oP "failed after step \K[0-9]+" 0.out)))
both --resume run --set train.steps=$steps
wait_both 120 0
left_alone $steps
same_bits left_alone_$steps run || fail "the run has other bits than one that was left alone"

echo "--- a host that does not see the run's directory is told of, where ranks divide the optimiser's state"
hidden=$work/run
both --resume run --set train.steps=$((steps + 1)) --set train.shard_optimizer=true
wait_both 60 1
for rank in 0 1; do
  grep -q "rank 1 of 2 on node2, .* does not see rank 0's directory $work/run (" $rank.out || fail "$(cat $rank.out)"
done
hidden=
both --resume run --set train.steps=$((steps + 1)) --set train.shard_optimizer=true
wait_both 120 0
[ "$(find run -name 'last.optimizer-*-?-of-2.safetensors' | wc -l)" = 2 ] || fail "not a file from each host: $(ls run)"

echo "--- mpirun with a host file"
if ! command -v mpirun >/dev/null; then
  echo "SKIPPED: there is no mpirun"
  exit 0
fi
# In place of ssh.
printf '#!/usr/bin/env bash\n. %q\non "$1" bash -c "${*:2}"\n' "$library" >agent
chmod +x agent
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
left_alone 10
cut -d" " -f2- out >left_alone.out
on node1 mpirun --mca plm_rsh_agent "$work/agent" --map-by ppr:1:node --hostfile "$hosts" -x MASTER_ADDR=node1 \
  -x MASTER_PORT=29500 -x ORBIT_CACHE "$train" "${settings[@]}" --set train.steps=10 --set run.directory=mpirun \
  "${options[@]}" >out 2>err || fail "mpirun"
grep -q "rank 0 of 2 on node1" err || fail "the ranks are not one per host"
cmp left_alone.out out && same_bits left_alone_10 mpirun || fail "mpirun has another result than launch"
