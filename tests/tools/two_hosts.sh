# Hosts on this one machine, for scripts: network and UTS namespaces, joined by a bridge (10.77.0.0/24). They need iproute2
# and the right to make namespaces, as root or in a user namespace.
#
#   enter_machine SCRIPT ARGUMENT...
#                             runs the script anew in namespaces that hide all that it starts, and end with it; there it
#                             does nothing. Where that cannot be, or $missing names what else is, says so and passes
#   start_hosts HOST...       starts hosts of these names
#   on HOST COMMAND...        runs a command on one
#   unplug HOST, plug HOST    takes its link down, and up

enter_machine() {
  [ -z "${ORBIT_IN_MACHINE:-}" ] || return 0
  local program namespaces=(--net --mount --uts --pid --fork --kill-child --mount-proc)
  [ "$(id -u)" = 0 ] || namespaces+=(--user --map-root-user)
  for program in ip nsenter unshare; do command -v $program >/dev/null || missing+=" $program"; done
  # Rights that containers may lack.
  unshare "${namespaces[@]}" sh -c 'mount -t tmpfs none /run && ip link add bridge type bridge && ip netns add host &&
    ip link add one type veth peer name two netns host' 2>/dev/null || missing+=" the right to make hosts of namespaces"
  if [ -n "${missing:-}" ]; then
    echo "SKIPPED, as there is not:" $missing
    exit 0
  fi
  ORBIT_IN_MACHINE=yes exec unshare "${namespaces[@]}" -- "$@"
}

start_hosts() {
  local host i=1
  # The machine's own /run, which goes with it. Its paths are short, as those of sockets have to be.
  mount -t tmpfs none /run
  ip link set lo up
  ip link add bridge type bridge
  ip link set bridge up
  echo "127.0.0.1 localhost" >/run/hosts
  for host in "$@"; do
    echo "10.77.0.$i $host" >>/run/hosts
    ip netns add $host
    ip link add $host type veth peer name e0 netns $host
    ip link set $host master bridge up
    ip -n $host addr add 10.77.0.$i/24 dev e0
    ip -n $host link set e0 up
    ip -n $host link set lo up
    i=$((i + 1))
  done
}

on() {
  local host=$1
  shift
  nsenter --net=/run/netns/$host unshare --uts --mount bash -c \
    'hostname "$0"; mount --bind /run/hosts /etc/hosts; exec "$@"' "$host" "$@"
}

unplug() { ip link set "$1" down; }
plug() { ip link set "$1" up; }
