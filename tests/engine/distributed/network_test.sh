#!/usr/bin/env bash
# Ranks on two hosts: they meet, and say what is wrong where an interface does not reach the others, or the link goes down.
# Where hosts cannot be made, the test says so and passes.
. tests/tools/two_hosts.sh
enter_machine "$0" "$@"
sum_steps=$PWD/$1
. tests/tools/testing.sh
start_hosts node1 node2
# An interface of each that does not reach the other.
for i in 1 2; do
  ip -n node$i link add lost type veth peer name lost_end
  ip -n node$i link set lost up
  ip -n node$i link set lost_end up
  ip -n node$i address add 10.9$i.0.1/24 dev lost
done

# both RENDEZVOUS OPTION...: runs rank 0 on node1 and rank 1 on node2; their outputs and statuses are in 0.out, 0.status ...
both() {
  local rank
  rm -f ./*.status
  for rank in 0 1; do
    {
      status=0
      on node$((rank + 1)) "$sum_steps" --rank $rank --world 2 --local-rank 0 --rendezvous "$1" --deadline 3 "${@:2}" \
        >$rank.out 2>&1 || status=$?
      echo $status >$rank.status
    } &
  done
}
wait_both() {
  local rank
  for rank in 0 1; do
    for _ in $(seq 400); do [ ! -s $rank.status ] || break; sleep 0.05; done
    [ -s $rank.status ] || fail "rank $rank has not ended in 20 s: $(cat $rank.out)"
  done
}
expect() { # RANK STATUS TEXT
  [ "$(cat "$1.status")" = "$2" ] || fail "rank $1 has status $(cat "$1.status"): $(cat "$1.out")"
  grep -qF -- "$3" "$1.out" || fail "rank $1 does not say '$3': $(cat "$1.out")"
}

echo "--- ranks on two hosts meet at an address, or by a file that both see"
for rendezvous in tcp://10.77.0.1:15999 tcp://node1:15999 "file://$work/ranks"; do
  both "$rendezvous"
  wait_both
  expect 0 0 "rank 0 of 2 on node1, Gloo over TCP at 10.77.0.1 (e0)"
  expect 1 0 "rank 1 of 2 on node2, Gloo over TCP at 10.77.0.2 (e0)"
  expect 0 0 "sum 120"
  expect 1 0 "sum 120"
done

echo "--- an interface that does not reach the other host is named"
both tcp://10.77.0.1:15998 --interface lost
wait_both
for rank in 0 1; do
  expect $rank 1 "rank 0 on node1"
  expect $rank 1 "rank 1 on node2"
  expect $rank 1 "do not reach each other; choose another network interface with --interface"
done
grep -q "at 10.9[12].0.1 (lost) and rank" 1.out || fail "no word on the interface: $(cat 1.out)"

echo "--- a link that goes down ends both within the deadline, and each names the other"
both tcp://10.77.0.1:15997 --steps 1000 --pause 20
until grep -q "^rank 1" 1.out 2>/dev/null; do sleep 0.05; done
sleep 0.5
unplug node2
begin=$(date +%s%N)
wait_both
[ $((($(date +%s%N) - begin) / 1000000)) -lt 3500 ] || fail "they took longer than the deadline"
expect 0 1 "rank 1 on node2"
expect 1 1 "rank 0 on node1"
grep -qE "step [0-9]+, all-reduce [0-9]+ of 10000 f64: .*silent" 0.out || fail "no clear word: $(cat 0.out)"
