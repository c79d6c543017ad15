#!/usr/bin/env bash
# Builds the packages and tests them in a clean Debian with a systemd of its own: install, run, upgrade
# under traffic, remove, purge. Needs Linux, and root or sudo. The Debian is made once (debootstrap) and
# kept in the user's cache folder; nothing of this machine is changed, and the tests' network is their own.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

suite=bookworm
include=systemd,systemd-sysv,dbus,adduser,init-system-helpers,haproxy,logrotate,bash-completion,man-db,zsh
root=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack/debian-$suite-$(cksum <<<"$include" | cut -d' ' -f1)

as_root=()
((EUID == 0)) || as_root=(sudo)

main() {
  [ "$(uname -s)" = Linux ] || fail "a Linux machine is needed"
  findmnt -t cgroup2 >/dev/null || fail "no cgroup2 is mounted"
  bash scripts/setup.sh zookeeper haproxy tools
  bash scripts/package.sh
  [ -d "$root" ] || make_root
  "${as_root[@]}" env "PATH=$PATH" "SMARTSTACK_DEBIAN_ROOT=$root" \
    unshare --net bash -c 'ip link set lo up && exec npx vitest run --project package "$@"' bash "$@"
}

make_root() {
  command -v debootstrap >/dev/null || "${as_root[@]}" bash scripts/apt-install.sh debootstrap
  echo "test-package: debootstrap $suite (once, about a minute) into $root"
  mkdir -p "$(dirname "$root")"
  "${as_root[@]}" rm -rf "$root.part"
  "${as_root[@]}" debootstrap --variant=minbase "--include=$include" "$suite" "$root.part" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$root.log" || { tail "$root.log" && fail "debootstrap failed"; }
  "${as_root[@]}" mv "$root.part" "$root"
}

fail() {
  echo "cannot test the packages: $1" >&2
  exit 1
}

main "$@"
