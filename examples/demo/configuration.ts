import { join } from 'node:path';

import type { RegistryAddress } from '@smartstack/registry';

/** Where the copies are announced. */
export const servicePath = '/services/web';

/** What the two daemons' files say differently from one run to the next. */
export interface Setting {
  readonly folder: string;
  /** Where ZooKeeper listens; absent where announcements are files. */
  readonly zooKeeperPort: number | undefined;
  readonly copies: readonly { readonly name: string; readonly port: number }[];
  /** Where apps find the service. */
  readonly port: number;
  /** Where HAProxy shows its own page. */
  readonly statsPort: number;
  /** Where synapse tells about itself. */
  readonly statusPort: number;
}

/** nerve's file: every copy that may run here, each asked for /health ten times a second. */
export function nerveFile(setting: Setting): string {
  const place = setting.zooKeeperPort === undefined ? 'path' : 'zk_path';
  const services = setting.copies.map(
    ({ name, port }) => `  ${name}:
    host: 127.0.0.1
    port: ${port}
    ${place}: ${servicePath}
    check_interval: 100ms
    checks:
      - {type: http, uri: /health, timeout: 500ms, rise: 1, fall: 1}
`,
  );
  return `instance_id: this-machine
${registryLine(setting)}
services:
${services.join('')}`;
}

/** synapse's file: one service on one local port, and a HAProxy that lives as long as the demo. */
export function synapseFile(setting: Setting): string {
  const { folder, port, statsPort, statusPort, zooKeeperPort } = setting;
  return `${registryLine(setting)}
services:
  web:
    discovery: {method: ${zooKeeperPort === undefined ? 'file' : 'zookeeper'}, path: ${servicePath}}
    haproxy:
      port: ${port}
      bind_address: 127.0.0.1
      server_options: check inter 2s rise 1 fall 2
      listen:
        - mode http
        - balance roundrobin
        - option httpchk GET /health
        # A request that a dying copy did not answer is asked again of another one.
        - retries 3
        - option redispatch 1
        - retry-on conn-failure empty-response
        - http-request disable-l7-retry unless METH_GET
status_address: 127.0.0.1:${statusPort}
haproxy:
  run_directory: ${join(folder, 'haproxy')}
  stats_address: 127.0.0.1:${statsPort}
  on_exit: stop
`;
}

/** Where both daemons, and the demo itself, find announcements. */
export function addressOf({
  folder,
  zooKeeperPort,
}: Setting): Extract<RegistryAddress, { type: 'zookeeper' | 'file' }> {
  return zooKeeperPort === undefined
    ? { type: 'file', directory: join(folder, 'registry') }
    : { type: 'zookeeper', hosts: [`127.0.0.1:${zooKeeperPort}`] };
}

function registryLine(setting: Setting): string {
  const address = addressOf(setting);
  return address.type === 'zookeeper'
    ? `zookeeper: {hosts: ['${address.hosts}']}`
    : `registry: {type: file, directory: ${address.directory}}`;
}
