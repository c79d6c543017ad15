import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

import type { ZooKeeper } from './zookeeper.ts';

const run = promisify(execFile);

/** A network of its own for a server, which packets reach until they are dropped. */
export interface Network extends AsyncDisposable {
  /** The server's address in it. */
  readonly address: string;
  /** This machine's address as the server sees it. */
  readonly here: string;
  /** What goes before a command that shall run in it. */
  readonly prefix: readonly string[];
  /** From now on packets to and from this server vanish, and nobody is told. */
  drop(server: ZooKeeper): Promise<void>;
  heal(server: ZooKeeper): Promise<void>;
}

/**
 * Makes a network namespace, joined to this one by a pair of virtual links. Where that is not allowed
 * the server is stopped instead, which looks the same from outside as long as it lasts.
 */
export async function startNetwork(): Promise<Network> {
  try {
    return await startNamespace();
  } catch {
    return {
      address: '127.0.0.1',
      here: '127.0.0.1',
      prefix: [],
      drop: (server) => server.kill('SIGSTOP'),
      heal: (server) => server.kill('SIGCONT'),
      [Symbol.asyncDispose]: async () => {},
    };
  }
}

async function startNamespace(): Promise<Network> {
  const number = randomInt(1, 16_384);
  const name = `zk${number}`;
  const base = `10.${210 + (number >> 12)}.${(number >> 4) & 255}.${(number & 15) * 16}`;
  const [here, address] = [1, 2].map((last) => base.replace(/\d+$/, (part) => `${+part + last}`));
  const ip = (...args: readonly string[]) => run('ip', args);

  await ip('netns', 'add', name);
  await ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`, 'netns', name);
  await ip('addr', 'add', `${here}/28`, 'dev', `${name}a`);
  await ip('link', 'set', `${name}a`, 'up');
  await ip('-n', name, 'addr', 'add', `${address}/28`, 'dev', `${name}b`);
  await ip('-n', name, 'link', 'set', `${name}b`, 'up');
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    address: address as string,
    here: here as string,
    prefix: ['ip', 'netns', 'exec', name],
    drop: async () => void (await ip('-n', name, 'link', 'set', `${name}b`, 'down')),
    heal: async () => void (await ip('-n', name, 'link', 'set', `${name}b`, 'up')),
    async [Symbol.asyncDispose]() {
      await ip('netns', 'del', name);
    },
  };
}
