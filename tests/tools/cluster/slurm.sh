# Slurm on the hosts of two_hosts.sh, a controller on `head` and the nodes node1 and node2, with two processors each and
# three GPUs that are but numbers. Needs root and Debian's slurm-wlm and munge.
#
#   missing_for_slurm         names what is missing here; nothing if all is there
#   start_slurm               starts it, once there are the hosts head, node1 and node2
#   slurm_logs                prints the last lines of what its daemons have to say
#
# The partition `low` is the default; a job in `high` pre-empts one in `low`, which is requeued. A job that comes back
# waits for two minutes, unless `scontrol update job=N StartTime=now+3` says otherwise: not at once, as a node
# refuses a job for good in the second in which it killed it. Time limits are looked at every 30 s.
export SLURM_CONF=/run/slurm/slurm.conf PATH=$PATH:/usr/sbin

missing_for_slurm() {
  local program
  [ "$(id -u)" = 0 ] || echo "root"
  for program in slurmctld slurmd srun munged runuser; do command -v $program >/dev/null || echo "$program"; done
}

slurm_logs() {
  local log
  for log in /run/slurm/log/*; do
    echo "== $log"
    grep -v -i pmix "$log" | tail -n 40  # Debian's Slurm tells at length that it has none
  done >&2
}

start_slurm() {
  local d=/run/slurm host
  mkdir -p $d/{state,spool-node1,spool-node2,log}
  install -d -m 0755 -o munge /run/munge
  (umask 077 && head -c 1024 /dev/urandom >/run/munge/key)
  chown munge /run/munge/key
  runuser -u munge -- munged --key-file=/run/munge/key --log-file=/run/munge/log --seed-file=/run/munge/seed
  # No plugin below needs control groups, and this one asks for none by itself, wherever and whether they are mounted.
  echo "CgroupPlugin=cgroup/v1" >$d/cgroup.conf
  touch $d/gpu{0..2}
  echo "Name=gpu File=$d/gpu[0-2]" >$d/gres.conf
  # The scheduler looks at the queue every second, and times are such that a busy machine keeps them.
  cat >$SLURM_CONF <<END
ClusterName=two-hosts
SlurmctldHost=head
AuthType=auth/munge
SlurmUser=root
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool-%n
SlurmctldPidFile=$d/slurmctld.pid
SlurmdPidFile=$d/slurmd-%n.pid
SlurmctldLogFile=$d/log/slurmctld
SlurmdLogFile=$d/log/slurmd-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
MessageTimeout=60
SlurmdTimeout=600
BatchStartTimeout=300
KillWait=60
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=node1,node2 CPUs=2 Gres=gpu:3 State=UNKNOWN
PartitionName=low Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=high Nodes=node1,node2 MaxTime=INFINITE State=UP PriorityTier=2
END
  on head slurmctld -D >/dev/null 2>&1 &
  for host in node1 node2; do on $host slurmd -D -N $host >/dev/null 2>&1 & done
  for _ in $(seq 240); do
    # A line per node and partition; a node that has not answered yet is "idle*".
    [ "$(on head sinfo -h -o %t -N 2>/dev/null | grep -cx idle)" -lt 4 ] || return 0
    sleep 0.5
  done
  slurm_logs
  on head sinfo >&2 || true
  echo "the nodes of Slurm did not come up" >&2
  return 1
}
