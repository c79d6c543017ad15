#!/usr/bin/env bash
# Run as root by setup.sh: installs the named Debian packages, and neither starts nor enables a service.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 # needrestart would restart services of the machine

policy=/usr/sbin/policy-rc.d

main() {
  local haproxy_was_here=no
  installed haproxy && haproxy_was_here=yes
  forbid_starts
  apt-get -s install "$@" >/dev/null 2>&1 || apt_get update
  apt_get install --no-install-recommends "$@" || { apt_get update && apt_get install --no-install-recommends "$@"; }
  [ "$haproxy_was_here" = yes ] || ! installed haproxy || leave_disabled haproxy
}

apt_get() { apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"; }

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

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

main "$@"
