import { once } from 'node:events';

import library, { type Client } from 'node-zookeeper-client';

/** The plain library, connected: what the floor is measured with. */
export async function connectPlain(hosts: string): Promise<Client> {
  const client = library.createClient(hosts, { sessionTimeout: 30_000, retries: 0 });
  const connected = once(client, 'connected');
  client.connect();
  await connected;
  return client;
}

export const sequential = 2;
export const persistent = 0;

export function create(client: Client, path: string, data: string, mode: number): Promise<string> {
  return new Promise((resolve, reject) => {
    client.create(path, Buffer.from(data), library.ACL.OPEN_ACL_UNSAFE, mode, (error, created) =>
      error ? reject(error) : resolve(created),
    );
  });
}

export function remove(client: Client, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.remove(path, -1, (error) => (error ? reject(error) : resolve()));
  });
}

/** The names of a path's children; `watcher` is called once at their next change. */
export function children(client: Client, path: string, watcher?: () => void): Promise<string[]> {
  return new Promise((resolve, reject) => {
    client.getChildren(path, watcher, (error, names) => (error ? reject(error) : resolve(names)));
  });
}

export function read(client: Client, path: string): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    client.getData(path, undefined, (error, data) => (error ? reject(error) : resolve(data)));
  });
}
