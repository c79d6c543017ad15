#!/usr/bin/env bash
# Runs nerve's checks against the real servers that they are for: Debian's redis, PostgreSQL, MariaDB and
# RabbitMQ; the etcd that it may announce in; and what reads its announcements and is not ours: Prometheus. Installs what is missing, starts no service of the machine's, and leaves no server running.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

declare -A packages=(
  [redis-server]=redis-server
  [mariadbd]=mariadb-server
  [rabbitmq-server]=rabbitmq-server
  [prometheus]=prometheus
  [etcd]=etcd-server
)

main() {
  local program missing=()
  for program in "${!packages[@]}"; do
    command -v "$program" >/dev/null || missing+=("${packages[$program]}")
  done
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  ((!${#missing[@]})) || bash scripts/apt-install.sh "${missing[@]}"
  bash scripts/setup.sh zookeeper
  exec npx vitest run --project servers "$@"
}

main "$@"
