import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

import { connect, type Session } from '@smartstack/zookeeper';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { type Daemon, runDaemonOn, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

const serviceProgram = fileURLToPath(
  new URL('../../examples/http-service/service.js', import.meta.url),
);

const shared = shareZooKeeper();

let scratch: Scratch;
let started: AsyncDisposable[];
let paths = 0;
let path: string;
beforeEach(async () => {
  scratch = await createScratch();
  started = [];
  path = `/nerve/services/web-${paths++}`;
});
afterEach(async () => {
  for (const each of started.reverse()) await each[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const keep = <T extends AsyncDisposable>(each: T): T => {
  started.push(each);
  return each;
};
const copyOf = async (name: string): Promise<Copy> => keep(await startCopy(name));

/** nerve on services named by their keys, each checked every 50 ms and announced at `path` unless told otherwise. */
async function nerve(
  services: Readonly<Record<string, object>>,
  top: object = {},
): Promise<Daemon> {
  const checked = Object.entries(services).map(([name, keys]) => [
    name,
    {
      host: '127.0.0.1',
      zk_hosts: [shared.zookeeper.hosts],
      zk_path: path,
      check_interval: 0.05,
      checks: [{ type: 'tcp', timeout: 5 }],
      ...keys,
    },
  ]);
  const config = { instance_id: 'i-0123', services: Object.fromEntries(checked), ...top };
  return keep(await startDaemon('nerve', config, scratch.directory));
}

async function nodes(at = path): Promise<readonly string[]> {
  return (await shared.session.exists(at)) ? (await shared.session.list(at)).names.toSorted() : [];
}
const announced = (count: number, at = path) =>
  until(async () => {
    const names = await nodes(at);
    return names.length === count && names;
  });
const dataOf = async (name = '') => String((await shared.session.get(`${path}/${name}`)).data);

describe('an announcement', () => {
  test('is an ephemeral sequential node with the name and the JSON of the original', async () => {
    const { port } = await copyOf('web');
    await nerve({ web: { port } });
    const [name = ''] = await announced(1);
    expect(name).toMatch(/^i-0123_\d{10}$/);
    expect(await dataOf(name)).toBe(`{"host":"127.0.0.1","port":${port},"name":"i-0123"}`);
    const { stat } = await shared.session.get(`${path}/${name}`);
    expect(stat.ephemeralOwner).not.toBe(0n);
  });

  test('carries weight, server options and labels where they are configured', async () => {
    const { port } = await copyOf('web');
    const more = { weight: 7, labels: { az: 'a' }, haproxy_server_options: 'backup' };
    await nerve({ web: { port, ...more } });
    const [name = ''] = await announced(1);
    expect(await dataOf(name)).toBe(
      `{"host":"127.0.0.1","port":${port},"name":"i-0123","weight":7,"haproxy_server_options":"backup","labels":{"az":"a"}}`,
    );
  });

  test('of all services goes over one session', async () => {
    const copies = await Promise.all(['a', 'b', 'c'].map(copyOf));
    await nerve(Object.fromEntries(copies.map(({ name, port }) => [name, { port }])));
    const names = await announced(3);
    const stats = await Promise.all(names.map((name) => shared.session.exists(`${path}/${name}`)));
    expect(new Set(stats.map((stat) => stat?.ephemeralOwner)).size).toBe(1);
  });

  test('goes to the chroot that the hosts end with', async () => {
    const { port } = await copyOf('web');
    await nerve({ web: { port, zk_hosts: [`${shared.zookeeper.hosts}/stack`] } });
    await announced(1, `/stack${path}`);
  });
});

describe('a record of node_type', () => {
  const record = async () => {
    const [name = ''] = await announced(1);
    return { name, stat: (await shared.session.get(`${path}/${name}`)).stat };
  };

  test('ephemeral has no number, and takes over one that a dead session left', async () => {
    const { port } = await copyOf('web');
    const services = { web: { port, node_type: 'ephemeral', zk_hosts: undefined } };
    const top = { zookeeper: { hosts: [shared.zookeeper.hosts], session_timeout: 2 } };
    const first = await nerve(services, top);
    const { name, stat } = await record();
    expect(name).toBe('i-0123_');
    first.kill('SIGKILL');
    await first.exited;
    // A nerve without its predecessor's state has a session of its own.
    await rm(scratch.path('state'), { recursive: true });
    await nerve(services, top);
    await until(async () => {
      const owner = (await shared.session.exists(`${path}/${name}`))?.ephemeralOwner;
      return owner !== undefined && owner !== stat.ephemeralOwner;
    });
  });

  test.each([
    ['persistent', 'i-0123_'],
    ['persistent_sequential', 'i-0123_0000000000'],
  ])(
    '%s outlives a session, is written again every ttl_seconds and withdrawn at the end',
    async (type, name) => {
      const { port } = await copyOf('web');
      const daemon = await nerve({ web: { port, node_type: type, ttl_seconds: 1 } });
      const first = await record();
      expect(first.name).toBe(name);
      expect(first.stat.ephemeralOwner).toBe(0n);
      await until(async () => (await record()).stat.version > first.stat.version);
      await shared.session.remove(`${path}/${name}`);
      await announced(1);
      daemon.kill('SIGTERM');
      expect(await daemon.exited).toBe(0);
      expect(await nodes()).toEqual([]);
    },
  );
});

test('with use_path_encoding the name holds the instance too', async () => {
  const { port } = await copyOf('web');
  await nerve({ web: { port, use_path_encoding: true } });
  const [name = ''] = await announced(1);
  const json = `{"host":"127.0.0.1","port":${port},"name":"i-0123"}`;
  const [, length, encoded = ''] = /^base64_(\d+)_(.*)_\d{10}$/.exec(name) ?? [];
  expect(Buffer.from(encoded, 'base64url').toString()).toBe(json);
  expect(Number(length)).toBe(encoded.length);
  expect(await dataOf(name)).toBe(json);
});

test('a weight that grows changes the record in place; in the name it makes a new one first', async () => {
  const copy = await copyOf('web');
  copy.healthy(false);
  const keys = {
    port: copy.port,
    weight: 10,
    warmup: 1,
    checks: [{ type: 'http', uri: '/health', timeout: 5 }],
  };
  const encoded = `${path}-encoded`;
  const daemon = await nerve({
    plain: keys,
    encoded: { ...keys, zk_path: encoded, use_path_encoding: true },
  });
  const lists: number[] = [];
  const ended = new AbortController();
  const watching = (async () => {
    for await (const children of shared.session.children(encoded, ended.signal))
      if (children.length > 0 || lists.length > 0) lists.push(children.length);
  })();
  await until(() => daemon.log.filter(({ msg }) => msg === 'service is down').length === 2);
  copy.healthy(true);
  const [name = ''] = await announced(1);
  await until(async () => (await dataOf(name)).includes('"weight":10'));
  expect(await nodes()).toEqual([name]);
  await until(async () => (await nodes(encoded)).length === 1);
  ended.abort();
  await watching;
  expect(lists).not.toContain(0);
});

describe('checked and announced is', () => {
  test('a service on IPv6', async () => {
    const server = createServer((socket) => socket.end());
    const port = await freePort();
    server.listen(port, '::1');
    await once(server, 'listening');
    keep({
      [Symbol.asyncDispose]: async () => {
        const closed = once(server, 'close');
        server.close();
        await closed;
      },
    });
    await nerve({ web: { port, host: '::1' } });
    const [name = ''] = await announced(1);
    expect(await dataOf(name)).toBe(`{"host":"::1","port":${port},"name":"i-0123"}`);
  });

  test('a service over HTTP, for as long as it says that it is healthy', async () => {
    const copy = await copyOf('web');
    copy.healthy(false);
    const checks = [{ type: 'http', uri: '/health', timeout: 5 }];
    const sick = { port: copy.port, checks };
    const well = { port: (await copyOf('well')).port, checks };
    await nerve({ sick, well });
    await announced(1);
    copy.healthy(true);
    await announced(2);
    copy.healthy(false);
    await announced(1);
  });
});

describe('gone from the registry is', () => {
  test('a service that is killed −9', async () => {
    const port = await freePort();
    const child = execa(process.execPath, [serviceProgram, '--name', 'web', '--port', `${port}`], {
      reject: false,
    });
    await nerve({ web: { port } });
    await announced(1);
    child.kill('SIGKILL');
    await announced(0);
    await child;
  });

  test('what a nerve that is killed −9 announced, after the session timeout', async () => {
    const { port } = await copyOf('web');
    const daemon = await nerve(
      { web: { port, zk_hosts: undefined } },
      { zookeeper: { hosts: [shared.zookeeper.hosts], session_timeout: 2 } },
    );
    await announced(1);
    const killed = performance.now();
    daemon.kill('SIGKILL');
    await announced(0);
    const gone = performance.now() - killed;
    expect(gone).toBeGreaterThan(1000);
    expect(gone).toBeLessThan(6000);
  });

  test('everything before nerve exits with 0 on SIGTERM', async () => {
    const copies = await Promise.all(['a', 'b', 'c'].map(copyOf));
    const daemon = await nerve(
      Object.fromEntries(copies.map(({ name, port }) => [name, { port }])),
    );
    await announced(3);
    daemon.kill('SIGTERM');
    expect(await daemon.exited).toBe(0);
    expect(await nodes()).toEqual([]);
  });
});

describe('a ZooKeeper that is away', () => {
  let own: ZooKeeper;
  let ownSession: Session;
  beforeEach(async () => {
    own = keep(await startZooKeeper());
    ownSession = keep(connect({ hosts: [own.hosts] }));
  });
  const names = async () => (await ownSession.list(path)).names;

  test('at the start is waited for, while the checks go on', async () => {
    const copy = await copyOf('web');
    await own.stop();
    const daemon = await nerve({ web: { port: copy.port, zk_hosts: [own.hosts] } });
    await until(() => daemon.log.some(({ msg }) => msg === 'service is up'));
    await own.start();
    await until(async () => (await names()).length === 1);
  });

  test('for less than the session timeout changes nothing', async () => {
    const copy = await copyOf('web');
    await nerve({ web: { port: copy.port, zk_hosts: [own.hosts] } });
    const before = await until(async () => {
      const present = await names();
      return present.length === 1 && present;
    });
    await own.stop();
    await own.start();
    await until(async () => (await names()).length === 1);
    expect(await names()).toEqual(before);
  });

  test('does not keep nerve from ending on SIGTERM', async () => {
    const copy = await copyOf('web');
    const daemon = await nerve({ web: { port: copy.port, zk_hosts: [own.hosts] } });
    await until(async () => (await names()).length === 1);
    await own.stop();
    daemon.kill('SIGTERM');
    expect(await daemon.exited).toBe(0);
  });

  test('a service that goes down meanwhile is gone as soon as it is back', async () => {
    const copy = await startCopy('web');
    const daemon = await nerve({ web: { port: copy.port, zk_hosts: [own.hosts] } });
    await until(async () => (await names()).length === 1);
    await own.stop();
    await copy[Symbol.asyncDispose]();
    await until(() => daemon.log.some(({ msg }) => msg === 'service is down'));
    await own.start();
    await until(async () => (await names()).length === 0);
  });
});

describe('a bad configuration ends nerve with exit code 1 and', () => {
  const problems = ({ log }: Daemon) => log.map(({ msg }) => msg).slice(0, -1);

  test('names a file that is not there', async () => {
    const daemon = keep(runDaemonOn('nerve', scratch.path('nowhere.yaml')));
    expect(await daemon.exited).toBe(1);
    expect(problems(daemon)).toEqual([expect.stringMatching(/nowhere\.yaml: cannot read: ENOENT/)]);
    expect(daemon.log.at(-1)?.msg).toMatch(/^fix this problem/);
  });

  test('names both services that announce one address', async () => {
    const daemon = await nerve({ web: { port: 1 }, api: { port: 1 } });
    expect(await daemon.exited).toBe(1);
    const twice = (one: string, other: string) =>
      expect.stringMatching(
        new RegExp(
          `nerve\\.yaml:\\d+:\\d+: services\\.${one}\\.port: services\\.${other} announces 127\\.0\\.0\\.1:1 at ${path} as well$`,
        ),
      );
    expect(problems(daemon)).toEqual([twice('web', 'api'), twice('api', 'web')]);
  });
});
