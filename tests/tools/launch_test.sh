#!/usr/bin/env bash
# Ranks on one machine: their lines, their environment, their end.
launch=$PWD/$1
. tests/tools/testing.sh

echo "--- every line has its rank before it, and every rank knows which it is"
"$launch" -n 3 -- bash -c 'echo "rank $RANK of $WORLD_SIZE, $LOCAL_RANK here"; echo "bad $RANK" >&2; printf "no end"' >out 2>err
sort out >sorted
cat >expected <<'END'
[0] no end
[0] rank 0 of 3, 0 here
[1] no end
[1] rank 1 of 3, 1 here
[2] no end
[2] rank 2 of 3, 2 here
END
cmp sorted expected || fail "lines"
[ "$(sort err)" = $'[0] bad 0\n[1] bad 1\n[2] bad 2' ] || fail "lines of stderr"
"$launch" -n 2 -- bash -c 'echo "$ORBIT_RENDEZVOUS $ORBIT_JOB $OMP_NUM_THREADS"' >out
[ "$(sed 's/^...//' out | sort -u | wc -l)" = 1 ] || fail "the ranks do not meet at one place"
grep -q 'file:///.*/ranks orbit-launch-.* [0-9]' out || fail "no place to meet"
[ ! -e "$(sed -n '1s/.*file:\/\/\(.*\)\/ranks .*/\1/p' out)" ] || fail "the folder stays"

echo "--- the first failure is the status, and ends all"
status=0
"$launch" -n 3 --grace 0.3 -- bash -c 'trap "" TERM; if [ $RANK = 1 ]; then exit 7; fi; sleep 61.7' >out 2>err || status=$?
[ "$status" = 7 ] || fail "status $status, not 7"
grep -q "rank 1 has ended with status 7" err || fail "no word on which rank failed"
grep -q "rank 2 does not end and is killed" err || fail "no word on which rank was killed"
status=0
"$launch" -n 2 --grace 0.3 -- bash -c '[ $RANK = 1 ] || kill -KILL $$; sleep 61.7' >out 2>err || status=$?
[ "$status" = 137 ] || fail "status $status, not 137"
status=0
"$launch" -n 2 -- no-such-program >out 2>err || status=$?
[ "$status" = 127 ] || fail "status $status, not 127"
grep -q "no-such-program cannot be executed" err || fail "no word on what cannot be executed"

echo "--- signals reach all ranks, which may take their time to stop"
for signal in INT TERM USR1; do
  "$launch" -n 2 --grace 0 -- bash -c \
    'trap "sleep 0.3\$RANK; echo stopped; exit $((128 + '"$(kill -l $signal)"'))" '$signal'; touch ready$RANK
     for i in $(seq 600); do sleep 0.05; done' >out 2>err &
  process=$!
  until [ -e ready0 ] && [ -e ready1 ]; do sleep 0.02; done
  kill -s "$signal" "$process"
  status=0
  wait "$process" || status=$?
  [ "$status" = $((128 + $(kill -l $signal))) ] || fail "SIG$signal gives status $status"
  [ "$(sort out)" = $'[0] stopped\n[1] stopped' ] || fail "SIG$signal did not reach all"
  rm ready0 ready1
done

status=0
"$launch" -n 2 --grace 0 -- bash -c '[ $RANK = 1 ] || { sleep 0.5; echo saved; }; exit 143' >out 2>err || status=$?
[ "$status" = 143 ] || fail "status $status, not 143"
grep -q "saved" out || fail "a rank was killed while it saved"

echo "--- nothing stays behind: neither what ranks started, nor the ranks of a launcher that is killed"
"$launch" -n 2 -- bash -c 'sleep 61.7 & exit 0' >out 2>err
"$launch" -n 2 -- bash -c 'touch ready$RANK; exec sleep 61.7' >out 2>err &
process=$!
until [ -e ready0 ] && [ -e ready1 ]; do sleep 0.02; done
kill -KILL "$process"
wait "$process" 2>/dev/null || true
for _ in $(seq 100); do
  ! pgrep -f 'sleep 61[.]7' >/dev/null || { sleep 0.05; continue; }
  exit 0
done
fail "processes are left: $(pgrep -af 'sleep 61[.]7')"
