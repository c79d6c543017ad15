#!/usr/bin/env bash
# Installs the named Debian packages, as root or with sudo, and neither starts nor enables a service.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 # needrestart would restart services of the machine

packages=$*
policy=/usr/sbin/policy-rc.d
# What the packages that we install bring, and would start at the next boot.
services=(haproxy redis-server postgresql mariadb rabbitmq-server prometheus prometheus-node-exporter etcd)

main() {
  command -v apt-get >/dev/null || fail "no apt-get here; install them with this system's packages"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "not root, and sudo is not there"
    exec sudo bash "$0" "$@"
  fi
  echo "Installing with apt, without starting a service: $*"
  install "$@"
}

install() {
  local service here=" "
  for service in "${services[@]}"; do has_unit "$service" && here+="$service "; done
  forbid_starts
  apt-get -s install "$@" >/dev/null 2>&1 || apt_get update
  apt_get install --no-install-recommends "$@" || { apt_get update && apt_get install --no-install-recommends "$@"; }
  for service in "${services[@]}"; do
    [[ $here == *" $service "* ]] || ! has_unit "$service" || leave_disabled "$service"
  done
}

apt_get() { apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"; }

has_unit() { [ -e "/lib/systemd/system/$1.service" ]; }

# Packages ask this file whether they may start or restart services; 101 is no. A machine's own stays.
# It is taken away at the end, and a forgotten one says yes once this process is gone.
forbid_starts() {
  [ ! -e "$policy" ] || return 0
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' INT TERM HUP
  printf '#!/bin/sh\n# put here while SmartStack installs packages\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' $$ >"$policy"
  chmod 755 "$policy"
}

# Nobody asked for the service, only for the program. Neither tool needs systemd to be running.
leave_disabled() {
  if command -v systemctl >/dev/null; then
    systemctl disable "$1.service"
  else
    DPKG_MAINTSCRIPT_PACKAGE=$1 deb-systemd-helper disable "$1.service"
    update-rc.d "$1" disable
  fi
}

fail() {
  echo "cannot install $packages: $1" >&2
  exit 1
}

main "$@"
