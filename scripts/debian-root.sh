#!/usr/bin/env bash
# Prints the folder of a clean Debian that tests boot machines on. It is made once, with debootstrap, and kept
# in the user's cache folder; nobody writes into it.
set -euo pipefail
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

suite=bookworm
include=systemd,systemd-sysv,dbus,adduser,init-system-helpers,haproxy,logrotate,bash-completion,man-db,zsh
root=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack/debian-$suite-$(cksum <<<"$include" | cut -d' ' -f1)

if [ ! -d "$root" ]; then
  command -v debootstrap >/dev/null || bash "$(dirname "$0")/apt-install.sh" debootstrap >&2
  echo "debootstrap $suite (once, about a minute) into $root" >&2
  mkdir -p "$(dirname "$root")"
  rm -rf "$root.part"
  debootstrap --variant=minbase "--include=$include" "$suite" "$root.part" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$root.log" || {
    tail "$root.log" >&2
    exit 1
  }
  rm -rf "$root.part/var/cache/apt/archives/"*.deb
  mv "$root.part" "$root"
fi
echo "$root"
