#!/usr/bin/env bash
# Runs the registries' tests against real servers and clients that are not ours: Debian's etcd, Prometheus, kubectl and
# dig, and the Consul of Debian 11, unpacked into a folder of its own. Installs what is missing, starts no service of
# the machine's, and leaves no server running.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

declare -A packages=(
  [prometheus]=prometheus
  [etcd]=etcd-server
  [etcdctl]=etcd-client
  [kubectl]=kubernetes-client
  [dig]=bind9-dnsutils
)

main() {
  local program missing=()
  for program in "${!packages[@]}"; do
    command -v "$program" >/dev/null || missing+=("${packages[$program]}")
  done
  ((!${#missing[@]})) || bash scripts/apt-install.sh "${missing[@]}"
  bash scripts/setup.sh
  CONSUL=$(bash scripts/consul.sh)
  export CONSUL
  exec npx vitest run --project registries --passWithNoTests "$@"
}

main "$@"
