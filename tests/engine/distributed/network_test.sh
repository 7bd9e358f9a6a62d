#!/usr/bin/env bash
# Ranks on two hosts, which are network namespaces: they meet, and say what is wrong where an interface does not reach the
# others, or the link goes down. Needs the right to make namespaces; says so and passes without it.
sum_steps=$PWD/$1
if [ -z "${ORBIT_IN_NAMESPACE:-}" ]; then
  unshare --user --map-root-user --net true 2>/dev/null && command -v ip >/dev/null || {
    echo "skipped: no right to make network namespaces, or no ip"
    exit 0
  }
  ORBIT_IN_NAMESPACE=yes exec unshare --user --map-root-user --net -- "$0" "$@"
fi
. tests/tools/testing.sh

# This process's namespace is one host; the other one's lives as long as a process in it.
unshare --net sleep 600 &
other=$!
trap 'kill "$other"' EXIT
until [ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ] 2>/dev/null; do sleep 0.02; done
here() { "$@"; }
on_other() { nsenter --net="/proc/$other/ns/net" -- "$@"; }
ip link set lo up
on_other ip link set lo up
ip link add one type veth peer name two netns "/proc/$other/ns/net" || { echo "skipped: no virtual links"; exit 0; }
ip address add 10.77.0.1/24 dev one
on_other ip address add 10.77.0.2/24 dev two
ip link set one up
on_other ip link set two up
# An interface of each that does not reach the other.
for host in here on_other; do
  $host ip link add lost type veth peer name lost_end
  $host ip link set lost up
  $host ip link set lost_end up
done
ip address add 10.98.0.1/24 dev lost
on_other ip address add 10.99.0.1/24 dev lost

# both OPTION...: runs rank 0 here and rank 1 there; their outputs and statuses are in 0.out, 0.status and so on.
both() {
  local rendezvous=$1
  shift
  { status=0; "$sum_steps" --rank 0 --world 2 --local-rank 0 --rendezvous "$rendezvous" --deadline 3 "$@" \
    >0.out 2>&1 || status=$?; echo $status >0.status; } &
  { status=0; on_other "$sum_steps" --rank 1 --world 2 --local-rank 0 --rendezvous "$rendezvous" --deadline 3 \
    "$@" >1.out 2>&1 || status=$?; echo $status >1.status; } &
}
wait_both() {
  for rank in 0 1; do
    for _ in $(seq 200); do [ ! -s $rank.status ] || break; sleep 0.05; done
    [ -s $rank.status ] || fail "rank $rank has not ended in 10 s: $(cat $rank.out)"
  done
}
expect() { # RANK STATUS TEXT
  [ "$(cat "$1.status")" = "$2" ] || fail "rank $1 has status $(cat "$1.status"): $(cat "$1.out")"
  grep -qF -- "$3" "$1.out" || fail "rank $1 does not say '$3': $(cat "$1.out")"
}

echo "--- ranks on two hosts meet at an address, or by a file that both see"
for rendezvous in tcp://10.77.0.1:15999 "file://$work/ranks"; do
  both "$rendezvous"
  wait_both
  expect 0 0 "rank 0 of 2 on $(hostname), Gloo over TCP at 10.77.0.1 (one)"
  expect 1 0 "rank 1 of 2 on $(hostname), Gloo over TCP at 10.77.0.2 (two)"
  expect 0 0 "sum 120"
  expect 1 0 "sum 120"
  rm -f ./*.status
done

echo "--- an interface that does not reach the other host is named"
both tcp://10.77.0.1:15998 --interface lost
wait_both
for rank in 0 1; do
  expect $rank 1 "rank 0 on $(hostname)"
  expect $rank 1 "rank 1 on $(hostname)"
  expect $rank 1 "do not reach each other; choose another network interface with --interface"
done
grep -q "at 10.9[89].0.1 (lost) and rank" 1.out || fail "no word on the interface: $(cat 1.out)"
rm -f ./*.status

echo "--- a link that goes down ends both within the deadline, and each names the other"
both tcp://10.77.0.1:15997 --steps 1000 --pause 20
until grep -q "^rank 1" 1.out 2>/dev/null; do sleep 0.05; done
sleep 0.5
ip link set one down
begin=$(date +%s%N)
wait_both
[ $((($(date +%s%N) - begin) / 1000000)) -lt 3500 ] || fail "they took longer than the deadline"
expect 0 1 "rank 1 on "
expect 1 1 "rank 0 on "
grep -qE "step [0-9]+, all-reduce [0-9]+ of 10000 f64: .*silent" 0.out || fail "no clear word: $(cat 0.out)"
