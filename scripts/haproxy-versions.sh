#!/usr/bin/env bash
# Fetches HAProxy of newer Debian releases, with the libraries and the libc that it was built for, and prints the path of
# each program. Each release has a folder of its own in the user's cache, made once; nothing is installed and no root is
# needed. The program names that libc's loader and its libraries by itself, so that it can also start itself anew.
# apt verifies what it fetches: packages against the release's index, the index against the signed InRelease, and that
# against Debian's keyring; an index may be old, since a mirror may be.
set -euo pipefail
cd "$(dirname "$0")/.."

known=(trixie forky) # HAProxy 3.0 and 3.2
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack

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
    [ $fetch = no ] || [ -d "$root" ] || obtain "$release"
    echo "$root/usr/sbin/haproxy"
  done
}

obtain() {
  local log=$root.log
  [[ $1 =~ ^[a-z]+$ ]] || fail "$1" "no such release"
  command -v apt-get >/dev/null || fail "$1" "no apt-get here"
  [ -r $keyring ] || fail "$1" "no $keyring: install debian-archive-keyring"
  echo "fetching HAProxy of Debian $1 (once, some seconds) into $root" >&2
  mkdir -p "$cache"
  part=$(mktemp -d "$root.part.XXXX")
  trap 'rm -rf "$part"' EXIT
  make "$1" >"$log" 2>&1 || fail "$1" "$(reason "$log")"
  mv -T "$part/root" "$root" 2>/dev/null || [ -d "$root" ] || fail "$1" "cannot make $root"
  rm -rf "$part"
}

make() {
  local package
  apt_files "$1" &&
    apt_get update &&
    apt_get install --yes --no-install-recommends --download-only haproxy patchelf &&
    mkdir "$part/root" &&
    for package in "$part"/archives/*.deb; do dpkg-deb --extract "$package" "$part/root" || return; done &&
    bind "$part/root"
}

# What apt is told beyond the machine's own settings (a web proxy, say): to read and write in its own folder only.
apt_files() {
  local architecture
  architecture=$(dpkg --print-architecture) &&
    mkdir -p "$part/lists/partial" "$part/archives/partial" &&
    touch "$part/status" &&
    echo "deb [signed-by=$keyring] $mirror $1 main" >"$part/sources.list" &&
    cat >"$part/apt.conf" <<CONF
#clear APT::Update;
#clear APT::Architectures;
#clear APT::Default-Release;
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Dir::State "$part";
Dir::State::status "$part/status";
Dir::Cache "$part";
Dir::Log "$part";
Dir::Etc::sourcelist "$part/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
}

apt_get() { apt-get --config-file="$part/apt.conf" --quiet --quiet "$@" </dev/null; }

# Gives the program the loader and the libraries beside it, by the place that they will be in, and starts it once.
bind() {
  local program=$1/usr/sbin/haproxy libraries loader
  libraries=$(dirname "$(find "$1/usr/lib" -name 'libc.so.6')") &&
    loader=$(find "$libraries" -maxdepth 1 -name 'ld-linux*.so.*') &&
    "$loader" --library-path "$libraries" "$1/usr/bin/patchelf" --set-interpreter "$root${loader#"$1"}" \
      --force-rpath --set-rpath "\$ORIGIN/../../${libraries#"$1/"}" "$program" &&
    "$loader" --library-path "$libraries" "$program" -v
}

# The first error of a log, else its last line.
reason() { { grep -m1 '^E: ' "$1" || tail -n 1 "$1"; } | sed 's/^E: //'; }

fail() {
  echo "cannot fetch HAProxy of Debian $1 from $mirror: $2" >&2
  exit 1
}

main "$@"
