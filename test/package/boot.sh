#!/bin/bash
# Boots a Debian root with a systemd of its own, in namespaces: boot.sh LOWER FOLDER. What it changes goes
# into FOLDER. The network stays the caller's. Ends with that systemd, and leaves FOLDER/cgroup to remove.
set -euo pipefail
lower=$1 folder=$2
groups=$(findmnt -nt cgroup2 -o TARGET | head -1)
cgroup=$groups/smartstack-test-$$
mkdir -p "$folder"/{upper,work,root} "$cgroup"
echo "$cgroup" >"$folder/cgroup"
echo $$ >"$cgroup/cgroup.procs"
export lower folder
exec unshare --mount --pid --fork --cgroup --uts --ipc --kill-child bash -euc '
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
  cd "$folder/root"
  mount -t proc proc proc
  mount -t sysfs -o ro sysfs sys
  mount -t tmpfs -o mode=755 tmpfs sys/fs
  mkdir -p sys/fs/cgroup
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755,nosuid tmpfs dev
  for name in null zero full random urandom tty; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
  done
  ln -s /proc/self/fd dev/fd
  mkdir dev/shm dev/pts
  mount -t tmpfs tmpfs dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs tmpfs tmp
  mkdir -p .outside
  echo "127.0.0.1 localhost vm-1" >etc/hosts
  hostname vm-1
  pivot_root . .outside
  umount -l /.outside
  exec env -i container=smartstack PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-level=notice
'
