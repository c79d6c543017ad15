#!/usr/bin/env bash
# Builds the Debian packages and npm tarballs into dist/; npm run package -- --help says more.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh tools
exec node --conditions=source --import tsx packaging/main.ts "$@"
