#!/usr/bin/env bash
# What one machine of docker-compose.yml runs: a copy of the service, nerve and synapse. Where there is a
# service manager it starts each; here the container ends, and is started again, when one of them ends.
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
trap 'exit 0' TERM INT

node examples/http-service/service.js --name "$HOSTNAME" --host 0.0.0.0 --port 8001 &
node_modules/.bin/nerve -c /etc/smartstack/nerve.yaml &
node_modules/.bin/synapse -c /etc/smartstack/synapse.yaml &
wait -n
