import { spawn } from 'node:child_process';
import { once } from 'node:events';

import zookeeper, { type Client } from 'node-zookeeper-client';

/** The library as it ships, with what these tests call of its public interface. */
export interface PlainClient extends Client {
  connect(): void;
  getState(): { readonly name: string };
  mkdirp(path: string, callback: (error: unknown) => void): void;
  removeRecursive(path: string, callback: (error: unknown) => void): void;
  transaction(): {
    setData(path: string, data: Buffer, version: number): { commit(callback: Commit): void };
  };
}

type Commit = (error: unknown) => void;
type Options = Parameters<typeof zookeeper.createClient>[1];

export function createPlain(hosts: string, sessionTimeout: number): PlainClient {
  const options: Options = { sessionTimeout, retries: 0 };
  return zookeeper.createClient(hosts, options) as PlainClient;
}

/** A connected client; closed, with its socket, by `dispose`. */
export async function connectPlain(hosts: string, sessionTimeout = 2_000): Promise<PlainClient> {
  const client = createPlain(hosts, sessionTimeout);
  client.connect();
  await once(client, 'connected');
  return client;
}

/** Ends a client for good: its own close never ends against a server that does not answer. */
export function discard(client: PlainClient) {
  client.connectionManager.connect = () => {};
  client.connectionManager.socket?.destroy();
}

/** Runs a script with `client` (the library) and `hosts` in a process of its own; returns how it ended. */
export async function runPlain(
  script: string,
  hosts: string,
): Promise<{ code: number; output: string }> {
  const source = `const zookeeper = require('node-zookeeper-client'); const hosts = ${JSON.stringify(hosts)};
    const client = zookeeper.createClient(hosts, { sessionTimeout: 2000 });
    setTimeout(() => process.exit(0), 3000); ${script}`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, output };
}
