# Two hosts, h1 and h2, and hc, their Slurm controller, on this one machine: each in a network and UTS namespace of its
# own, joined by a bridge (10.77.0.0/24). For scripts that have $work, a folder to work in. Needs root and Debian's
# slurm-wlm, munge and iproute2.
#
#   start_hosts               starts them
#   on HOST COMMAND...        runs a command there
#   stop_hosts                ends what was started
#
# The partition `low` is the default; a job in `high` pre-empts one in `low`, which is requeued. A job that comes back
# waits for two minutes, unless `scontrol update job=N StartTime=now` says otherwise.

# A word on what is missing here; nothing if all is there.
missing_for_hosts() {
  [ "$(id -u)" = 0 ] || echo "root"
  for program in slurmctld slurmd munged ip nsenter; do
    command -v $program >/dev/null || PATH=$PATH:/usr/sbin command -v $program >/dev/null || echo "$program"
  done
  # Rights that containers may lack.
  unshare --net --uts --mount true 2>/dev/null || echo "the right to make namespaces"
}

on() {
  local host=$1
  shift
  # nsenter, not `ip netns exec`, which mounts a /sys without control groups.
  SLURM_CONF=$work/slurm/slurm.conf nsenter --net=/run/netns/orbit-$host unshare --uts --mount bash -c \
    'hostname "$0"; mount --bind "$1" /etc/hosts; shift; exec "$@"' "$host" "$work/slurm/hosts" "$@"
}

start_hosts() {
  export PATH=$PATH:/usr/sbin
  local d=$work/slurm i=1 host plugin=cgroup/v2
  mkdir -p "$d"/{state,spool-h1,spool-h2,log,run}
  printf '127.0.0.1 localhost\n10.77.0.1 hc\n10.77.0.2 h1\n10.77.0.3 h2\n' >"$d/hosts"
  install -d -m 0755 -o munge /run/munge
  if [ ! -s /etc/munge/munge.key ]; then
    (umask 077 && head -c 1024 /dev/urandom >/etc/munge/munge.key)
    chown munge /etc/munge/munge.key
  fi
  [ -S /run/munge/munge.socket.2 ] || runuser -u munge -- munged
  ip link add orbit-bridge type bridge
  ip link set orbit-bridge up
  for host in hc h1 h2; do
    ip netns add orbit-$host
    ip link add orbit-$host type veth peer name e0 netns orbit-$host
    ip link set orbit-$host master orbit-bridge up
    ip -n orbit-$host addr add 10.77.0.$i/24 dev e0
    ip -n orbit-$host link set e0 up
    ip -n orbit-$host link set lo up
    i=$((i + 1))
  done
  if [ -d /sys/fs/cgroup/unified ] || [ -d /sys/fs/cgroup/cpuset ]; then plugin=cgroup/v1; fi
  printf 'CgroupPlugin=%s\nCgroupAutomount=no\n' $plugin >"$d/cgroup.conf"
  # Plugins that need no control groups of their own.
  cat >"$d/slurm.conf" <<END
ClusterName=two-hosts
SlurmctldHost=hc(10.77.0.1)
AuthType=auth/munge
SlurmUser=root
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool-%n
SlurmctldPidFile=$d/run/slurmctld.pid
SlurmdPidFile=$d/run/slurmd-%n.pid
SlurmctldLogFile=$d/log/slurmctld.log
SlurmdLogFile=$d/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=10
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=h1 NodeAddr=10.77.0.2 CPUs=2 RealMemory=1000 State=UNKNOWN
NodeName=h2 NodeAddr=10.77.0.3 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=low Nodes=h1,h2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=high Nodes=h1,h2 MaxTime=INFINITE State=UP PriorityTier=2
END
  on hc slurmctld -D >"$d/log/slurmctld.out" 2>&1 &
  for host in h1 h2; do on $host slurmd -D -N $host >"$d/log/$host.out" 2>&1 & done
  for _ in $(seq 120); do
    [ "$(on hc sinfo -h -o %t -N 2>/dev/null | grep -c idle)" -lt 2 ] || return 0
    sleep 0.5
  done
  tail -n 20 "$d"/log/* >&2
  echo "the hosts of Slurm did not come up" >&2
  return 1
}

stop_hosts() {
  local file host
  for file in "$work"/slurm/run/*.pid; do
    if [ -s "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; fi
  done
  sleep 1
  for host in hc h1 h2; do ip netns del orbit-$host 2>/dev/null || true; done
  ip link del orbit-bridge 2>/dev/null || true
}
