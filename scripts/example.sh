#!/usr/bin/env bash
# Runs one of the examples that have a script on this machine. Installs what is missing first.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # where distributions keep haproxy, and a plain user's PATH does not look

names=(canary-by-route flaky-dependency blue-green game-day rate-limits etcd consul kubernetes consul-to-zookeeper to-envoy)
case " ${names[*]} " in
  *" ${1:-none} "*) ;;
  *) echo "usage: npm run example -- NAME, which is one of: ${names[*]}" >&2 && exit 2 ;;
esac

parts=(haproxy)
if [ "$1" = consul-to-zookeeper ]; then parts+=(zookeeper); fi
bash scripts/setup.sh "${parts[@]}"
if [ "$1" = etcd ]; then command -v etcd >/dev/null && command -v etcdctl >/dev/null || bash scripts/apt-install.sh etcd-server etcd-client; fi
if [ "$1" = kubernetes ] && ! command -v kubectl >/dev/null; then bash scripts/apt-install.sh kubernetes-client; fi
if [[ $1 = consul* ]]; then
  CONSUL=$(bash scripts/consul.sh)
  export CONSUL
fi
if [ "$1" = to-envoy ]; then
  ENVOY=${ENVOY:-$(bash scripts/envoy.sh)}
  export ENVOY
fi
export TSX_DISABLE_CACHE=1 # or tsx would leave a folder behind
exec node --conditions=source --import tsx "examples/$1/run.ts"
