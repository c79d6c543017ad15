#!/usr/bin/env bash
# Follows README.md and docs/quickstart.md to the letter, on clean Debian machines with a systemd of their own, and
# fails at the first command that does not do what the text says. The commands are taken from the files' blocks
# ```sh on=MACHINE; behind "# →" stands what a command answers ("…": among other words). Needs root on Linux. Nothing of this machine is
# changed: the machines live in namespaces, and the two VMs are joined by a network of their own. Only what fetches
# packages (apt-get, npm) uses this machine's network.
#
#   bash test/newcomer.sh [FILE...]      default: docs/quickstart.md README.md, whose vm-1 is the quickstart's
#   NEWCOMER_ALL=1 bash test/newcomer.sh runs the README's npm test too
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
repository=$PWD
work=$(mktemp -d)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack/newcomer
patience=30 # seconds for an answer to become what the text says
limit=1800 # seconds for a command
declare -A leader=() booter=() namespace=()
files=("$@")
((${#files[@]})) || files=(docs/quickstart.md README.md)

main() {
  [ "$(uname -s)" = Linux ] && ((EUID == 0)) || fail "root on a Linux machine is needed"
  findmnt -t cgroup2 >/dev/null || fail "no cgroup2 is mounted"
  trap clean_up EXIT
  trap 'exit 1' INT TERM HUP
  root=$(bash scripts/debian-root.sh)
  mkdir -p "$cache/archives/var/cache/apt/archives"
  lay_out_network
  local file
  for file in "${files[@]}"; do follow "$file"; done
  keep_archives
  echo "newcomer: every command did what the text says"
}

follow() {
  local commands number machine
  commands=$work/$(basename "$1" .md)
  mkdir "$commands"
  awk -v "out=$commands" -f test/newcomer/commands.awk "$1"
  compgen -G "$commands/*-command" >/dev/null || fail "$1 has no commands to follow"
  for command in "$commands"/*-command; do
    number=${command%-command}
    for machine in $(<"$number-machines"); do
      try "$machine" "$command" "$(<"$number-answer")" "$(<"$number-place")"
    done
  done
}

# Runs a command; where the text says what it answers, again and again until it does.
try() {
  local machine=$1 command=$2 answer=$3 place=$4 deadline=$((SECONDS + patience)) code
  if grep -q '^npm test' "$command" && [ -z "${NEWCOMER_ALL-}" ]; then
    echo "$place [$machine] npm test: left out (NEWCOMER_ALL=1 runs it)"
    return
  fi
  echo "$place [$machine] $(head -1 "$command")"
  [ "$machine" = here ] || [ -n "${leader[$machine]-}" ] || boot "$machine"
  while true; do
    code=0
    if grep -q 'Ctrl-C ends it' "$command"; then
      interrupted "$machine" "$command" || code=$?
    else
      run_on "$machine" "$command" >"$work/output" 2>&1 || code=$?
    fi
    if ((code == 0)) && answers "$answer"; then return; fi
    if ((code != 0)) || [ -z "$answer" ] || ((SECONDS >= deadline)); then break; fi
    sleep 0.5
  done
  sed 's/^/    /' "$work/output" >&2
  ((code == 0)) || fail "$place: exit code $code on $machine"
  fail "$place: the text says that it answers: $answer"
}

# Whether the output is what the text says; "…" stands before words that are somewhere in it.
answers() {
  local output
  [ -n "$1" ] || return 0
  output=$(tr -s '[:space:]' ' ' <"$work/output")
  case $1 in
  …*) [[ $output == *"${1#…}"* ]] ;;
  *) [ "${output% }" = "$1" ] ;;
  esac
}

# Runs a command that stays until Ctrl-C, as its last line then says, at a terminal, and presses that.
interrupted() {
  local keys pid
  mkfifo "$work/keys"
  exec {keys}<>"$work/keys"
  rm "$work/keys"
  typed_on "$1" "$2" <&"$keys" >"$work/output" 2>&1 &
  pid=$!
  until grep -q 'Ctrl-C' "$work/output"; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
  printf '\003' >&"$keys"
  exec {keys}>&-
  wait "$pid"
}

run_on() {
  if [ "$1" = here ]; then
    (cd "$repository" && timeout "$limit" bash -eu "$2")
  else
    inside "$1" "$2" bash -eu -c "$(<"$2")" </dev/null
  fi
}

# In a terminal of its own, whose keyboard is the standard input.
typed_on() { inside "$1" "$2" script --quiet --return --command "$(<"$2")" /dev/null; }

# Runs a program for a command on its machine.
inside() {
  local machine=$1 command=$2 network=()
  shift 2
  fetches "$command" || network=("--net=/run/netns/${namespace[$machine]}")
  timeout "$limit" nsenter -t "${leader[$machine]}" -m -u -i -p -C "${network[@]}" --root --wdns="$(home_of "$machine")" \
    env -i HOME=/root SHELL=/bin/bash TERM=xterm PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "npm_config_registry=$(registry)" NODE_EXTRA_CA_CERTS=/usr/local/share/authorities.pem \
    DEBIAN_FRONTEND=noninteractive "$@"
}

fetches() { grep -qE '^(apt-get|npm) ' "$1"; }
registry() { npm config get registry 2>/dev/null; }
home_of() { [ "$1" = clone ] && echo /root/smartstack || echo /root; }

# A machine of its own: vm-1 and vm-2 have an address and the packages, npm has Node.js and the tarballs, clone has
# Node.js and a clone of the repository.
boot() {
  local machine=$1 lower=$cache/archives:$root
  echo "newcomer: boots $machine"
  bring "$machine" "$work/brought-$machine"
  lower=$work/brought-$machine:$lower
  mkdir "$work/$machine"
  ip netns exec "${namespace[$machine]:?no such machine}" bash test/package/boot.sh "$lower" "$work/$machine" \
    >"$work/$machine.log" 2>&1 &
  booter[$machine]=$!
  local deadline=$((SECONDS + 60))
  until leader[$machine]=$(pgrep -P "${booter[$machine]}" -x systemd) && is_up "$machine"; do
    ((SECONDS < deadline)) || { cat "$work/$machine.log" >&2 && fail "$machine does not boot"; }
    sleep 0.2
  done
}

is_up() {
  nsenter -t "${leader[$1]}" -m -p -C --root systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'
}

bring() {
  local machine=$1 to=$2
  mkdir -p "$to/root"
  case $machine in
  vm-*) cp dist/smartstack-*.deb "$to/root" || fail "no packages: the text did not make them" ;;
  npm) cp dist/smartstack-*.tgz "$to/root" || fail "no tarballs: the text did not make them" ;;
  clone) git clone -q "$repository" "$to/root/smartstack" ;;
  esac
  case $machine in npm | clone) bring_node "$to/usr/local" ;; esac
}

# Node.js and npm, and the authorities that this machine trusts, which a proxy may need.
bring_node() {
  mkdir -p "$1/share"
  cat "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" >"$1/share/authorities.pem" || true
  mkdir -p "$1/bin" "$1/lib/node_modules"
  cp -L "$(command -v node)" "$1/bin/node"
  cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$1/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$1/bin/npx"
}

# A cable between the two VMs, with the text's addresses; the other machines have a loopback alone.
lay_out_network() {
  local machine
  for machine in vm-1 vm-2 npm clone; do
    namespace[$machine]=newcomer-$$-$machine
    ip netns add "${namespace[$machine]}"
    ip -n "${namespace[$machine]}" link set lo up
  done
  local one=${namespace[vm-1]} two=${namespace[vm-2]}
  ip -n "$one" link add eth0 type veth peer name eth0 netns "$two"
  ip -n "$one" addr add 10.0.0.1/24 dev eth0
  ip -n "$two" addr add 10.0.0.2/24 dev eth0
  ip -n "$one" link set eth0 up
  ip -n "$two" link set eth0 up
}

# What apt fetched is there for the next run.
keep_archives() {
  local machine
  for machine in "${!booter[@]}"; do
    cp -n "$work/$machine/upper/var/cache/apt/archives/"*.deb "$cache/archives/var/cache/apt/archives/" 2>/dev/null || true
  done
}

clean_up() {
  local machine groups
  for machine in "${!booter[@]}"; do
    [ -z "${leader[$machine]-}" ] || kill -KILL "${leader[$machine]}" 2>/dev/null || true
    wait "${booter[$machine]}" 2>/dev/null || true
    groups=$(cat "$work/$machine/cgroup" 2>/dev/null) || continue
    for _ in {1..50}; do
      find "$groups" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  done
  for machine in "${!namespace[@]}"; do ip netns del "${namespace[$machine]}" 2>/dev/null || true; done
  rm -rf "$work"
}

fail() {
  echo "newcomer: $1" >&2
  exit 1
}

main
