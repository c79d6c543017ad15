#!/usr/bin/env bash
# Looks at the daemons' pages in Debian's chromium, and holds the dashboard and the alerts of
# examples/observability to what the daemons export, with Debian's promtool. Installs what is missing, and
# starts no service of the machine's.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

main() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium fonts-dejavu-core)
  command -v promtool >/dev/null || missing+=(prometheus)
  ((!${#missing[@]})) || bash scripts/apt-install.sh "${missing[@]}"
  bash scripts/setup.sh haproxy
  exec npx vitest run --project page "$@"
}

main "$@"
