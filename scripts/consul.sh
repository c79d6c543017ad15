#!/usr/bin/env bash
# Fetches Consul 1.8.7, the newest that Debian has (in its release 11), into a folder in the user's cache, and prints the
# program's path. Nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian-archive.sh

root=$cache/consul-bullseye

usage() {
  cat <<TEXT
usage: scripts/consul.sh [--paths]

Prints where Consul is, and fetches it when it is not there.

  --paths   fetch nothing: print where it is or would be
  --help    show this
TEXT
}

main() {
  case ${1:-} in
    --help | -h) usage && exit 0 ;;
    --paths) ;;
    *) [ -d "$root" ] || obtain Consul bullseye "$root" starts consul ;;
  esac
  echo "$root/usr/bin/consul"
}

starts() { "$1/usr/bin/consul" version; }

main "$@"
