#!/usr/bin/env bash
# Fetches HAProxy of newer Debian releases, with the libraries and the libc that it was built for, and prints the path of
# each program. Each release has a folder of its own in the user's cache, made once; nothing is installed and no root is
# needed. The program names that libc's loader and its libraries by itself, so that it can also start itself anew.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian-archive.sh

known=(trixie forky) # HAProxy 3.0 and 3.2

usage() {
  cat <<TEXT
usage: scripts/haproxy-versions.sh [--paths] [RELEASE…]

Prints where HAProxy of each Debian release is (${known[*]}), and fetches it when it is not there.

  --paths   fetch nothing: print where they are or would be
  --help    show this
TEXT
}

main() {
  local fetch=yes release
  case ${1:-} in
    --help | -h) usage && exit 0 ;;
    --paths) fetch=no && shift ;;
  esac
  (($#)) || set -- "${known[@]}"
  for release in "$@"; do
    root=$cache/haproxy-$release
    [ $fetch = no ] || [ -d "$root" ] || obtain HAProxy "$release" "$root" bind haproxy patchelf
    echo "$root/usr/sbin/haproxy"
  done
}

# Gives the program the loader and the libraries beside it, by the place that they will be in, and starts it once.
bind() {
  local program=$1/usr/sbin/haproxy libraries loader
  libraries=$(dirname "$(find "$1/usr/lib" -name 'libc.so.6')") &&
    loader=$(find "$libraries" -maxdepth 1 -name 'ld-linux*.so.*') &&
    "$loader" --library-path "$libraries" "$1/usr/bin/patchelf" --set-interpreter "$root${loader#"$1"}" \
      --force-rpath --set-rpath "\$ORIGIN/../../${libraries#"$1/"}" "$program" &&
    "$loader" --library-path "$libraries" "$program" -v
}

main "$@"
