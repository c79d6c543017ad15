#!/usr/bin/env bash
# Builds the Debian packages and npm tarballs into dist/; npm run package -- --help says more.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ " $* " == *" --tarballs-only "* ]] || command -v dpkg-deb >/dev/null || {
  echo "cannot build Debian packages: no dpkg-deb here; npm run package -- --tarballs-only" >&2
  exit 1
}
bash scripts/setup.sh tools
exec node --conditions=source --import tsx packaging/main.ts "$@"
