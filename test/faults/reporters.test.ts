import { once } from 'node:events';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';

import { type EtcdServer, startEtcd } from '../../packages/registry/src/etcd-v2/server.fixture.ts';
import { soon, startForced } from './nerve.ts';

vi.setConfig({ testTimeout: 40_000 });

/** A registry that a test can break and repair; `count` is how many records it has. */
interface Peer {
  readonly keys: object;
  break(): Promise<void>;
  repair(): Promise<void>;
  count(): Promise<number>;
}

let etcd: EtcdServer;
let directory: string;
beforeEach(async () => {
  const [server, made] = [await startEtcd(), await mkdtemp(join(tmpdir(), 'force-'))];
  [etcd, directory] = [server, made];
  // After nerve, which comes later and ends before.
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await rm(made, { recursive: true });
  });
});

const etcdThat = (answer: RequestListener) => (): Peer => ({
  keys: { reporter_type: 'etcd', etcd_host: '127.0.0.1', etcd_port: etcd.port, etcd_path: '/w' },
  break: async () => {
    etcd.instead = answer;
  },
  repair: async () => {
    etcd.instead = undefined;
  },
  count: async () => Object.keys(etcd.values()).length,
});

const peers: Readonly<Record<string, () => Peer>> = {
  'etcd that answers 500': etcdThat((_, response) => response.writeHead(500).end()),
  'etcd that answers nonsense': etcdThat((_, response) => response.end('\u0000<html>')),
  'etcd that closes': etcdThat((request) => request.socket.destroy()),
  'etcd that never answers': etcdThat(() => {}),
  'file in a folder that cannot be used': () => {
    const folder = join(directory, 'folder');
    return {
      keys: { reporter_type: 'file', directory: folder, path: 'w' },
      break: async () => {
        await rename(folder, `${folder}-away`).catch(() => {});
        await writeFile(folder, '');
      },
      repair: async () => {
        await rm(folder);
        await rename(`${folder}-away`, folder).catch(() => {});
      },
      count: async () =>
        (await readdir(join(folder, 'w')).catch(() => [])).filter((name) => !name.startsWith('.'))
          .length,
    };
  },
};

describe.each(Object.keys(peers))('%s', (name) => {
  const open = () => (peers[name] as () => Peer)();

  test('from the start: shown, said once, announced once it can be', async () => {
    const peer = open();
    await peer.break();
    const { broken, said, goesOn } = await startForced(peer.keys);
    await vi.waitFor(
      async () => expect((await broken()).trouble).toMatch(/^cannot announce: /),
      soon,
    );
    await goesOn();
    expect(await broken()).toMatchObject({ announced: false, confirmed: false });
    expect(said()).toHaveLength(1);
    await peer.repair();
    await vi.waitFor(async () => expect((await broken()).confirmed).toBe(true), 15_000);
    expect((await broken()).trouble).toBeUndefined();
    expect(await peer.count()).toBeGreaterThan(0);
  });

  test('at a change: shown, said once, not said to stand, and done once it can be', async () => {
    const peer = open();
    const { broken, said, goesOn, nerve, printed } = await startForced(peer.keys);
    await vi.waitFor(async () => expect((await broken()).confirmed).toBe(true), soon);
    await peer.break();
    await nerve.weight('broken', '7');
    expect(printed.at(-1)).toMatch(
      /^broken: weight 7 is not confirmed yet: .+; nerve tries again, and nerve status shows the result$/,
    );
    await vi.waitFor(
      async () => expect((await broken()).trouble).toMatch(/^cannot announce: /),
      soon,
    );
    await goesOn();
    expect(await broken()).toMatchObject({ announced: true, confirmed: false });
    expect(said().filter(({ msg }) => msg === 'cannot announce')).toHaveLength(1);
    await peer.repair();
    await vi.waitFor(async () => expect((await broken()).confirmed).toBe(true), 15_000);
    await nerve.weight('broken', '7');
    expect(printed.at(-1)).toBe('broken has weight 7');
    expect((await broken()).trouble).toBeUndefined();
  });

  test('when it is withdrawn: shown, said once, counts as announced, and done once it can be', async () => {
    const peer = open();
    const { broken, said, goesOn, nerve } = await startForced(peer.keys);
    await vi.waitFor(async () => expect((await broken()).confirmed).toBe(true), soon);
    await peer.break();
    await nerve.down('broken', {});
    await vi.waitFor(
      async () => expect((await broken()).trouble).toMatch(/^cannot withdraw: /),
      soon,
    );
    await goesOn();
    expect(await broken()).toMatchObject({ announced: true, may_stand: true, confirmed: false });
    expect(said().filter(({ msg }) => msg === 'cannot withdraw')).toHaveLength(1);
    await peer.repair();
    await vi.waitFor(async () => expect((await broken()).confirmed).toBe(true), 15_000);
    expect(await broken()).toMatchObject({ announced: false, may_stand: false });
    expect((await broken()).trouble).toBeUndefined();
    expect(await peer.count()).toBe(0);
  });

  test('at the end: the others are withdrawn all the same', async () => {
    const peer = open();
    const { broken, good, end } = await startForced(peer.keys);
    await vi.waitFor(async () => expect((await broken()).confirmed).toBe(true), soon);
    await vi.waitFor(async () => expect(await good()).toHaveLength(1), soon);
    await peer.break();
    await end();
    expect(await good()).toEqual([]);
    await peer.repair();
  });
});

/** What a hostile server does in ZooKeeper's place. */
const servers: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes at once': (socket) => socket.destroy(),
  'answers nonsense': (socket) => socket.end('\u0000<html>'),
  'claims an answer of two gigabytes': (socket) => socket.write('\x7f\xff\xff\xff', 'latin1'),
  'never answers': () => {},
};

test.each(Object.keys(servers))(
  'a ZooKeeper that %s: not announced, and the others go on and are withdrawn at the end',
  async (how) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      servers[how]?.(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const keys = { zk_hosts: [`127.0.0.1:${port}`], zk_path: '/w' };
    const { broken, good, goesOn, end } = await startForced(keys);
    await goesOn();
    expect(await broken()).toMatchObject({ announced: false, confirmed: false });
    await end();
    expect(await good()).toEqual([]);
    server.close();
  },
);
