#!/usr/bin/env bash
# Prints the folder of a clean Debian that tests boot machines on: Debian's archive is known to it, and HAProxy's
# packages are fetched and not installed, so that apt can without a network. It is made once, with debootstrap, and
# kept in the user's cache folder; nobody writes into it. Needs root or sudo.
set -euo pipefail
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

suite=bookworm
include=systemd,systemd-sysv,dbus,adduser,init-system-helpers,logrotate,bash-completion,man-db,zsh
fetched=(haproxy)
root=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack/debian-$suite-$(cksum <<<"$include ${fetched[*]}" | cut -d' ' -f1)
as_root=()
((EUID == 0)) || as_root=(sudo)

main() {
  if [ ! -d "$root" ]; then
    command -v debootstrap >/dev/null || bash "$(dirname "$0")/apt-install.sh" debootstrap >&2
    echo "debootstrap $suite (once, about a minute) into $root" >&2
    mkdir -p "$(dirname "$root")"
    make >"$root.log" 2>&1 || { tail "$root.log" >&2 && exit 1; }
  fi
  echo "$root"
}

make() {
  "${as_root[@]}" rm -rf "$root.part" &&
    "${as_root[@]}" debootstrap --variant=minbase "--include=$include" "$suite" "$root.part" \
      "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" &&
    "${as_root[@]}" chroot "$root.part" apt-get clean &&
    "${as_root[@]}" chroot "$root.part" apt-get update &&
    "${as_root[@]}" chroot "$root.part" apt-get install -y --no-install-recommends --download-only "${fetched[@]}" &&
    "${as_root[@]}" mv "$root.part" "$root"
}

main
