#!/usr/bin/env bash
# Measures on this machine, on real parts. Installs what is missing first.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # where distributions keep haproxy, and a plain user's PATH does not look
bash scripts/setup.sh zookeeper haproxy
if [[ $# -eq 0 || " $* " == *" policy "* ]]; then
  command -v wrk >/dev/null && command -v valgrind >/dev/null || bash scripts/apt-install.sh wrk valgrind
fi
if [[ $# -eq 0 || " $* " == *" registries "* ]]; then
  command -v etcd >/dev/null && command -v etcdctl >/dev/null || bash scripts/apt-install.sh etcd-server etcd-client
  bash scripts/consul.sh >/dev/null
fi
exec node --conditions=source --import tsx bench/main.ts "$@"
