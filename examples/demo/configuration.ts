import { join } from 'node:path';

import type { RegistryAddress } from '@smartstack/registry';

import type { DemoProxy } from './proxies.ts';

/** Where the copies are announced. */
export const servicePath = '/services/web';

/** What the two daemons' files say differently from one run to the next. */
export interface Setting {
  readonly folder: string;
  /** Where ZooKeeper listens; absent where announcements are files. */
  readonly zooKeeperPort: number | undefined;
  readonly copies: readonly { readonly name: string; readonly port: number }[];
  readonly proxy: DemoProxy;
  /** Where apps find the service. */
  readonly port: number;
  /** Where the proxy shows its own page. */
  readonly pagePort: number;
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

/** synapse's file: one service on one local port, and a proxy that lives as long as the demo. */
export function synapseFile(setting: Setting): string {
  const { proxy, statusPort, zooKeeperPort } = setting;
  return `${registryLine(setting)}
services:
  web:
    discovery: {method: ${zooKeeperPort === undefined ? 'file' : 'zookeeper'}, path: ${servicePath}}
${proxy.serviceLines(setting)}
status_address: 127.0.0.1:${statusPort}
${proxy.topLines(setting)}
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
