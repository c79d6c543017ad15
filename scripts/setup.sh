#!/usr/bin/env bash
# Makes this folder ready to run: npm packages, the build, ZooKeeper and HAProxy.
# Says what it is about to do, does only what is missing, and starts no service.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # where distributions keep haproxy, and a plain user's PATH does not look

usage() {
  cat <<'TEXT'
usage: scripts/setup.sh [--check] [zookeeper] [haproxy] [tools] [none]

Installs the npm packages, builds the two daemons, and installs ZooKeeper (the
library and a Java runtime, no service), HAProxy, and the tools of the tests (ip
and openssl). Names limit the last three, and none stands for none of them.

  --check   only say what is there and what is missing; exits 1 when something is
  --help    show this
TEXT
}

main() {
  local check=no limited=no parts=()
  while (($#)); do
    case $1 in
      --check) check=yes ;;
      --help | -h) usage && exit 0 ;;
      zookeeper | haproxy | tools) parts+=("$1") && limited=yes ;;
      none) limited=yes ;;
      *) fail "cannot set up $1: no such part (zookeeper, haproxy, tools, none)" ;;
    esac
    shift
  done
  [ $limited = yes ] || parts=(zookeeper haproxy tools)
  set -- ${parts[@]+"${parts[@]}"}
  if [ "$check" = yes ]; then report "$@"; else install "$@"; fi
}

# --- what is there: each prints a version and succeeds, or prints what is wrong and fails

have_node() {
  local version
  version=$(node --version 2>/dev/null) || { echo "missing" && return 1; }
  at_least 20.19 "${version#v}" || { echo "${version#v} is too old" && return 1; }
  echo "${version#v}"
}

have_packages() {
  [ -e node_modules/.package-lock.json ] || { echo "missing" && return 1; }
  [ ! package-lock.json -nt node_modules/.package-lock.json ] || { echo "older than package-lock.json" && return 1; }
  echo "up to date"
}

have_build() {
  local plan
  plan=$(node_modules/.bin/tsc -b --dry 2>/dev/null) || { echo "missing" && return 1; }
  ! grep -q 'non-dry' <<<"$plan" || { echo "out of date" && return 1; }
  echo "up to date"
}

have_zookeeper() {
  java -XX:-UsePerfData -version >/dev/null 2>&1 || { echo "no Java runtime" && return 1; }
  zookeeper_jar || { echo "missing" && return 1; }
}

# ZOOKEEPER_HOME is an unpacked release; without it, Debian's own jar.
zookeeper_jar() {
  local jar jars=/usr/share/java
  [ -z "${ZOOKEEPER_HOME:-}" ] || jars=$ZOOKEEPER_HOME/lib
  for jar in "$jars"/zookeeper-[0-9]*.jar; do
    [ -e "$jar" ] && basename "$jar" .jar && return 0
  done
  return 1
}

have_haproxy() {
  local version
  version=$(haproxy -v 2>/dev/null | sed -nE '1s/^[^0-9]*([0-9]+(\.[0-9]+)*).*/\1/p') || true
  [ -n "$version" ] || { echo "missing" && return 1; }
  at_least 2.6 "$version" || { echo "$version is too old: 2.6 or newer is needed" && return 1; }
  echo "$version"
}

# Namespaces, in which tests cut networks, are Linux'.
have_tools() {
  local tool tools=(openssl)
  [ "$(uname -s)" != Linux ] || tools+=(ip)
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || { echo "no $tool" && return 1; }
  done
  echo "${tools[*]}"
}

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# --- what to do about it

# The command that brings a part, as shown to people and as run where we can run it.
remedy() {
  case $1 in
    node) echo "install Node.js 20.19 or newer: https://nodejs.org/en/download" ;;
    packages) echo "npm ci" ;;
    build) echo "npm run build" ;;
    *) system_command "$@" ;;
  esac
}

system_command() {
  local sudo= names
  names=$(package_names "$@")
  [ "$(id -u)" = 0 ] || sudo='sudo '
  case $(distribution) in
    debian) echo "${sudo}apt-get install --no-install-recommends $names" ;;
    macos) echo "brew install $names" ;;
    fedora) echo "${sudo}dnf install $names" ;;
    *) echo "install $names with this system's packages" ;;
  esac
}

# What this system calls them. On Debian it is ZooKeeper's library: `zookeeperd` would be the service.
package_names() {
  local part system
  system=$(distribution)
  for part in "$@"; do
    case $system:$part in
      debian:zookeeper) echo "libzookeeper-java default-jre-headless" ;;
      fedora:zookeeper) echo "java-21-openjdk-headless" ;;
      macos:tools) echo "openssl" ;;
      fedora:tools) echo "iproute openssl" ;;
      *:tools) echo "iproute2 openssl" ;;
      *) echo "$part" ;;
    esac
  done | paste -sd ' ' -
}

# debian (also Ubuntu and their kin), macos, fedora (also RHEL and its kin), or unknown.
distribution() {
  [ "$(uname -s)" != Darwin ] || { echo macos && return; }
  local release=${SETUP_OS_RELEASE:-/etc/os-release} ids=
  [ ! -r "$release" ] || ids=$(. "$release" && echo " ${ID:-} ${ID_LIKE:-} ")
  case $ids in
    *" debian "* | *" ubuntu "*) echo debian ;;
    *" fedora "* | *" rhel "*) echo fedora ;;
    *) echo unknown ;;
  esac
}

report() {
  local part state missing=0
  for part in node packages build "$@"; do
    if state=$("have_$part"); then
      printf '%-10s %s\n' "$part" "$state"
    else
      printf '%-10s %s: %s\n' "$part" "$state" "$(remedy "$part")"
      missing=1
    fi
  done
  return $missing
}

install() {
  local state wanted=() part
  state=$(have_node) || fail "cannot run on Node.js: $state; $(remedy node)"
  for part in "$@"; do
    "have_$part" >/dev/null || wanted+=("$part")
  done
  ((${#wanted[@]} == 0)) || install_system "${wanted[@]}"
  have_packages >/dev/null || step "npm ci" "installs the packages of package-lock.json into node_modules" npm ci --no-audit --no-fund
  have_build >/dev/null || step "npm run build" "builds nerve and synapse" node_modules/.bin/tsc -b
}

install_system() {
  local part state
  [ "$(distribution)" = debian ] || by_hand "$@"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "cannot install $(join_and "$@"): not root, and sudo is not there; run as root: $(system_command "$@" | sed s/^sudo.//)"
  fi
  # shellcheck disable=SC2046
  step "$(system_command "$@")" "starts no service; may take a minute" \
    bash scripts/apt-install.sh $(package_names "$@")
  for part in "$@"; do
    state=$("have_$part") || fail "cannot use $part: $state, also after $(system_command "$part")"
  done
}

by_hand() {
  echo "setup: cannot install $(join_and "$@") on this system. Run this, then try again:"
  echo "  $(system_command "$@")"
  case " $* $(distribution)" in
    *" zookeeper "*macos) echo '  export ZOOKEEPER_HOME="$(brew --prefix zookeeper)/libexec"' ;;
    *" zookeeper "*) echo "  unpack ZooKeeper from https://zookeeper.apache.org/releases.html and set ZOOKEEPER_HOME to its folder" ;;
  esac
  echo "or see the same scene in containers: docker compose up"
  exit 1
} >&2

# Says what it is about to run and why, runs it, and shows what it printed only when it failed.
step() {
  local command=$1 why=$2 log
  shift 2
  log=$(mktemp)
  echo "setup: $command ($why)"
  "$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2 && rm -f "$log" && fail "$command failed"; }
  rm -f "$log"
}

join_and() { (IFS=' ' && sed 's/ / and /g' <<<"$*"); }

fail() {
  echo "setup: $*" >&2
  exit 1
}

main "$@"
