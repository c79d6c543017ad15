#!/usr/bin/env bash
# Builds the packages and tests them in a clean Debian with a systemd of its own: install, run, upgrade
# under traffic, remove, purge. Needs Linux, and root or sudo. The Debian is made once (debootstrap) and
# kept in the user's cache folder; nothing of this machine is changed, and the tests' network is their own.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

as_root=()
((EUID == 0)) || as_root=(sudo)

main() {
  local root
  [ "$(uname -s)" = Linux ] || fail "a Linux machine is needed"
  findmnt -t cgroup2 >/dev/null || fail "no cgroup2 is mounted"
  bash scripts/setup.sh zookeeper haproxy tools
  bash scripts/package.sh
  root=$(bash scripts/debian-root.sh)
  "${as_root[@]}" env "PATH=$PATH" "SMARTSTACK_DEBIAN_ROOT=$root" \
    unshare --net bash -c 'ip link set lo up && exec npx vitest run --project package "$@"' bash "$@"
}

fail() {
  echo "cannot test the packages: $1" >&2
  exit 1
}

main "$@"
