import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';

import { packageFile, starterRegistry } from '@smartstack/daemon';

/** A commented configuration to start from; it is good, and works with the one of `synapse init`. */
export function starter(): string {
  const machine = hostname().replaceAll(/[^\x21-\x2e\x30-\x7e]/g, '-') || 'vm-1';
  return `# yaml-language-server: $schema=${schema}
# What runs on this machine: nerve checks it, and announces it while it is healthy.

instance_id: ${JSON.stringify(machine)} # this machine's name; unique in the fleet

# Where services are announced. A folder needs no server: good for one machine, and to try it out.
registry: { type: file, directory: ${JSON.stringify(starterRegistry())} }
# A fleet has a ZooKeeper ensemble in its place; give each service a zk_path then:
# zookeeper: { hosts: [zk1:2181, zk2:2181, zk3:2181] }

services:
  web:
    host: 127.0.0.1 # the address that other machines reach it at; also where it is checked
    port: 8001
    path: /services/web # where it is announced; with ZooKeeper: zk_path
    check_interval: 0.5 # seconds; 500ms is the same
    checks: # all must pass; there are also tcp, redis, postgres, grpc, exec, file and others
      - type: http
        uri: /health
        timeout: 0.2
        rise: 2 # passes in a row before it is announced
        fall: 2 # failures in a row before it is withdrawn
    # weight: 10 # announced, for proxies that use weights
    # labels: { zone: a } # announced, for synapse's label_filters
`;
}

const schema = fileURLToPath(packageFile(import.meta.url, 'nerve.schema.json'));
