#!/usr/bin/env bash
# Runs the unit and system tests on the newest LTS of Node.js, which the packages carry: the tests themselves and
# the daemons that they start. Installs what is missing, as npm test does. Those of test/policy run on Debian 13's
# HAProxy, where `scripts/haproxy-versions.sh` has fetched that. What asks the same whatever Node.js runs it is left out:
# the documents, the examples, the generated files, and other HAProxys.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup.sh
newer=$(bash scripts/haproxy-versions.sh --paths trixie)
[ ! -x "$newer" ] || export POLICY_HAPROXY=$newer
export NODE_TESTS_ONLY=yes
exec node --conditions=source --import tsx scripts/newest-node.ts \
  node node_modules/vitest/vitest.mjs run --project unit --project system --project faults "$@"
