#!/usr/bin/env bash
# Two ranks have the losses of one process to rounding, and the same bits whoever starts them: launch, torchrun's variables,
# or Open MPI's mpirun, which is left out where it is missing.
train=$PWD/$1 launch=$PWD/$2
. tests/tools/testing.sh
run=("$train" "${small_model[@]}" --set data.train=60 --set data.valid=20 --set data.test=20 --set train.batch=20
  --set train.samples=3 --set train.steps=4 --set log.every=1 --set evaluation.test_samples=4 --device cpu --threads 1)

"${run[@]}" --set run.directory=one >out 2>err || fail "one process"
"$launch" -n 2 -- "${run[@]}" --set run.directory=launch >out 2>err || fail "launch"
cut -d" " -f2- out >launch.out
same_losses one launch 4 || fail "launch: other losses"

# check NAME: the run has the bits and the result of launch's.
check() {
  cmp out launch.out && same_bits launch "$1" || fail "$1 has another result than launch"
}
echo "--- torchrun's variables"
port=$((20000 + RANDOM % 10000))
variables=(MASTER_ADDR=127.0.0.1 MASTER_PORT=$port WORLD_SIZE=2)
env "${variables[@]}" RANK=1 LOCAL_RANK=1 "${run[@]}" --set run.directory=variables >other.out 2>&1 &
env "${variables[@]}" RANK=0 LOCAL_RANK=0 "${run[@]}" --set run.directory=variables >out 2>err || fail "torchrun's variables"
wait $! || fail "torchrun's variables, rank 1: $(cat other.out)"
check variables

echo "--- mpirun"
if ! command -v mpirun >/dev/null; then
  echo "SKIPPED: there is no mpirun"
  exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
mpirun --oversubscribe -n 2 "${run[@]}" --set run.directory=mpirun >out 2>err || fail "mpirun"
grep -q "rank 0 of 2 on" err || fail "not two ranks"
check mpirun
