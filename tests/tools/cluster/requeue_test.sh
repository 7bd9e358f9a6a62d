#!/usr/bin/env bash
# Which jobs many_nodes.sbatch requeues: those whose ranks were asked to stop and have saved since the job began. Programs
# of this test take the places of srun and scontrol.
many_nodes=$PWD/$1
. tests/tools/testing.sh
mkdir bin
cat >bin/srun <<'END'
#!/usr/bin/env bash
printf '%s\n' "$*" >>calls
[ "$SAVES" = no ] || { mkdir -p run && echo "$RANDOM" >run/new && mv run/new run/last.safetensors && touch run/config.yaml; }
exit "$STATUS"
END
cat >bin/scontrol <<'END'
#!/usr/bin/env bash
printf 'scontrol %s\n' "$*" >>calls
END
chmod +x bin/*
export SLURM_JOB_ID=7 SLURM_JOB_NAME=orbit SLURM_SUBMIT_DIR=$work ORBIT=$work/bin ORBIT_RUN=$work/run

# job STATUS SAVES VARIABLE=VALUE...: runs the script where the ranks end with the status, and have saved, or not.
job() {
  local status=0
  : >calls
  env STATUS="$1" SAVES="$2" "${@:3}" bash "$many_nodes" --preset nbody >out 2>err || status=$?
  [ "$status" = "$1" ] || fail "the job has status $status instead of $1"
}
requeued() { grep -q "^scontrol requeue 7$" calls; }

echo "--- stopped while data are made: once, and with a word"
job 138 no
! requeued || fail "a job that has saved nothing is requeued"
grep -q "too short for the data" err || fail "no word on the time"

echo "--- stopped in training"
for status in 129 130 138 140 143; do
  job $status yes
  requeued || fail "a job that has saved is not requeued at status $status"
done
grep -q -- "--resume $work/run" calls || fail "a job that comes back begins anew"
job 138 yes SLURM_RESTART_COUNT=100
! requeued || fail "a job is requeued for ever"

echo "--- stopped while data are read again, beside the checkpoint of before"
job 138 no
! requeued || fail "a checkpoint of before has the job requeued"

echo "--- ended, or failed"
for status in 0 1 137 139; do
  job $status yes
  ! requeued || fail "a job of status $status is requeued"
done
