#!/usr/bin/env bash
# What ranks cost, as measured by `bench distributed`, and the model of it.
launch=$PWD/$1 bench=$PWD/$2 scaling=$PWD/$3
. tests/tools/testing.sh

echo "--- bench distributed: sums, a step, bytes of about the ring's minimum"
for n in 1 2 3; do
  "$launch" -n $n -- "$bench" distributed --rows 4 --steps 2 --bucket-bytes 100000 >>lines 2>err || fail "$n ranks"
done
[ "$(grep -c '"all_reduce"' lines)" = 8 ] || fail "sums: $(cat lines)"
[ "$(grep -c '"distributed_step"' lines)" = 3 ] || fail "steps: $(cat lines)"
field() { grep '"distributed_step"' lines | grep "\"ranks\":$1," | sed -nE "s/.*\"$2\":([0-9.e+-]+).*/\1/p"; }
awk -v sent="$(field 3 bytes_sent)" -v least="$(field 3 ring_minimum_bytes)" \
  'BEGIN { exit !(least > 0 && sent >= least && sent < 1.1 * least) }' || fail "bytes: $(cat lines)"
grep -q '"hidden_share":' lines || fail "no share of communication that is hidden"

echo "--- scaling: a table up to 1,024 devices, a figure, the check"
sed -i 's/"bytes":8388608,"median_s":[0-9.e-]*/"bytes":8388608,"median_s":99/' lines # however busy this machine is
"$scaling" --measured lines >out 2>err || fail "scaling"
grep -qE "^ +1024 " out || fail "no 1,024 devices"
grep -q "A model, not a measurement" out || fail "it does not say what it is"
[ "$(sed -n '/the same formula/,$p' out | grep -cE '^ +[123] ')" = 3 ] || fail "no check against 1, 2 and 3 ranks"
grep -q "<svg" scaling.svg || fail "no figure"
refuses "--step-seconds and --gradient-bytes" "$scaling"
echo '{"no": 1}' >other
refuses "bench distributed does not write" "$scaling" --measured other
