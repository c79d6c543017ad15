import { fileURLToPath } from 'node:url';

import { packageFile, starterRegistry } from '@smartstack/daemon';

/** A commented configuration to start from; it is good, and works with the one of `nerve init`. */
export function starter(): string {
  return `# yaml-language-server: $schema=${schema}
# What this machine uses: synapse keeps a local HAProxy in step with it.

# Where services are announced. A folder needs no server: good for one machine, and to try it out.
registry: { type: file, directory: ${JSON.stringify(starterRegistry())} }
# A fleet has a ZooKeeper ensemble in its place; a service's method is zookeeper then:
# zookeeper: { hosts: [zk1:2181, zk2:2181, zk3:2181] }

services:
  web:
    discovery: { method: file, path: /services/web } # with ZooKeeper: method: zookeeper
    # default_servers: # served while no instance is registered
    #   - { name: spare-1, host: 10.0.0.9, port: 8001 }
    haproxy:
      port: 3213 # apps on this machine connect to 127.0.0.1:3213
      server_options: check inter 2s rise 2 fall 3 # HAProxy asks, too
      listen: # lines of HAProxy's own language
        - mode http
        - option httpchk GET /health

# synapse runs an HAProxy of its own, which outlives it. What its file would be:  synapse render -c FILE
# haproxy:
#   bind_address: 127.0.0.1
#   stats_address: 127.0.0.1:9101 # the stats page, and metrics for Prometheus
`;
}

const schema = fileURLToPath(packageFile(import.meta.url, 'synapse.schema.json'));
