# Sourced by scripts that need a program of another Debian release than this machine's: fetches its packages and unpacks
# them into a folder in the user's cache, once. Nothing is installed and no root is needed.
# apt verifies what it fetches: packages against the release's index, the index against the signed InRelease, and that
# against Debian's keyring; an index may be old, since a mirror may be.

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${XDG_CACHE_HOME:-$HOME/.cache}/smartstack

# obtain TITLE RELEASE ROOT FINISH PACKAGE…: unpacks packages and what they depend on into ROOT, whole or not at all.
# FINISH is called with the folder that will become ROOT, and may refuse it.
obtain() {
  title=$1 release=$2 root=$3
  local finish=$4 log=$3.log
  shift 4
  [[ $release =~ ^[a-z]+$ ]] || fail "no such release"
  command -v apt-get >/dev/null || fail "no apt-get here"
  [ -r $keyring ] || fail "no $keyring: install debian-archive-keyring"
  echo "fetching $title of Debian $release (once, some seconds) into $root" >&2
  mkdir -p "$cache"
  part=$(mktemp -d "$root.part.XXXX")
  trap 'rm -rf "$part"' EXIT
  unpack "$@" >"$log" 2>&1 && "$finish" "$part/root" >>"$log" 2>&1 || fail "$(reason "$log")"
  mv -T "$part/root" "$root" 2>/dev/null || [ -d "$root" ] || fail "cannot make $root"
  rm -rf "$part"
}

unpack() {
  local package
  apt_files &&
    apt_get update &&
    apt_get install --yes --no-install-recommends --download-only "$@" &&
    mkdir "$part/root" &&
    for package in "$part"/archives/*.deb; do dpkg-deb --extract "$package" "$part/root" || return; done
}

# What apt is told beyond the machine's own settings (a web proxy, say): to read and write in its own folder only.
apt_files() {
  local architecture
  architecture=$(dpkg --print-architecture) &&
    mkdir -p "$part/lists/partial" "$part/archives/partial" &&
    touch "$part/status" &&
    echo "deb [signed-by=$keyring] $mirror $release main" >"$part/sources.list" &&
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

# The first error of a log, else its last line.
reason() { { grep -m1 '^E: ' "$1" || tail -n 1 "$1"; } | sed 's/^E: //'; }

fail() {
  echo "cannot fetch $title of Debian $release from $mirror: $1" >&2
  exit 1
}
