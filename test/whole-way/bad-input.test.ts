import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { shareZooKeeper } from '../nerve/shared-zookeeper.ts';
import { startCopy } from '../support/copies.ts';
import { commandOf, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { createStage } from '../support/stage.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';

const shared = shareZooKeeper();
let paths = 0;

describe.each(['nerve', 'synapse'] as const)(
  '%s refuses a bad configuration with exit code 1 and',
  (name) => {
    const run = (file: string) =>
      execa(process.execPath, [commandOf(name), '-c', file, '-k'], { reject: false });

    test('names a file that it cannot read', async () => {
      const { exitCode, stderr } = await run('/nowhere/config.yaml');
      expect(stderr).toMatch(/^\/nowhere\/config\.yaml: cannot read: ENOENT/);
      expect(exitCode).toBe(1);
    });

    test('names line and column of bad YAML', async () => {
      await using scratch = await createScratch();
      const file = scratch.path('config.yaml');
      await writeFile(file, 'services:\n  web: [\n');
      const { exitCode, stderr } = await run(file);
      expect(stderr).toMatch(/config\.yaml:3:1: /);
      expect(exitCode).toBe(1);
    });

    test('lists every problem at once', async () => {
      await using scratch = await createScratch();
      const file = scratch.path('config.yaml');
      await writeFile(file, 'servces: {}\nzookeeper: {hots: [a]}\n');
      const { exitCode, stderr } = await run(file);
      expect(stderr).toContain(`${file}:1:1: servces: unknown key; did you mean services?`);
      expect(stderr).toContain(`${file}:2:13: zookeeper.hots: unknown key; did you mean hosts?`);
      expect(exitCode).toBe(1);
    });
  },
);

test('nerve refuses a port out of range with its place', async () => {
  await using scratch = await createScratch();
  const file = scratch.path('nerve.yaml');
  await writeFile(
    file,
    'instance_id: a\nservices:\n  web:\n    host: a\n    port: 70000\n    zk_hosts: [a:1]\n    zk_path: /web\n    checks: []\n',
  );
  const { exitCode, stderr } = await execa(
    process.execPath,
    [commandOf('nerve'), '-c', file, '-k'],
    {
      reject: false,
    },
  );
  expect(stderr).toContain(
    `${file}:5:5: services.web.port: expected a number of at most 65535, got 70000`,
  );
  expect(exitCode).toBe(1);
});

test('synapse refuses two services on one port with both names', async () => {
  await using scratch = await createScratch();
  const file = scratch.path('synapse.yaml');
  const service = '    discovery: {method: base}\n    haproxy: {port: 8080}\n';
  await writeFile(file, `services:\n  a:\n${service}  b:\n${service}`);
  const { exitCode, stderr } = await execa(
    process.execPath,
    [commandOf('synapse'), '-c', file, '-k'],
    { reject: false },
  );
  expect(stderr).toContain(
    `${file}:7:15: services.b.haproxy.port: 8080 on localhost is taken by services.a`,
  );
  expect(exitCode).toBe(1);
});

test('a service whose port another process has is left out by name; the others serve', async () => {
  await using scratch = await createScratch();
  await using stage = await createStage({
    registry: { type: 'file', directory: scratch.path('registry') },
  });
  await using copy = await startCopy('web-1');
  const foreign = createServer().listen(await freePort(), '127.0.0.1');
  await once(foreign, 'listening');
  const { port } = foreign.address() as { port: number };
  await stage.nerve([copy]);
  const synapse = await stage.synapse({
    taken: {
      discovery: { method: 'base' },
      default_servers: [{ host: '127.0.0.1', port: copy.port }],
      haproxy: { port },
    },
  });
  await until(async () => (await stage.rotation()).length === 1);
  const complaint = await until(() =>
    synapse.log.find((record) => JSON.stringify(record).includes(String(port))),
  );
  expect(JSON.stringify(complaint)).toMatch(/taken/);
  expect(complaint.level).toBeGreaterThanOrEqual(40);

  const closed = once(foreign, 'close');
  foreign.close();
  await closed;
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, 45_000);
}, 90_000);

test.each([
  ['broken JSON', '{"host":', 'not JSON'],
  ['no host', '{"port":1}', 'no host'],
  ['a port that is a command', '{"host":"127.0.0.1","port":"80; rm"}', 'bad port'],
  ['a host that is a configuration', '{"host":"127.0.0.1\\n  listen evil","port":80}', 'bad host'],
])('a znode with %s is left out and logged once; the rest serves', async (_, data, reason) => {
  const { hosts } = shared.zookeeper;
  const path = `/services/web-${paths++}`;
  await using stage = await createStage({ zookeeper: { hosts: [hosts] } }, path);
  await using copy = await startCopy('web-1');
  await shared.session.makePath(path);
  await shared.session.create(`${path}/bad_`, Buffer.from(data), 'persistent_sequential');
  await stage.nerve([copy]);
  const synapse = await stage.synapse();
  await until(async () => (await stage.rotation()).length === 1);
  const complaints = synapse.log.filter(({ msg }) => msg === 'bad registry record left out');
  expect(complaints).toEqual([expect.objectContaining({ path, record: 'bad_0000000000', reason })]);

  const ended = new AbortController();
  const traffic = startTraffic(stage.port, 100, ended.signal);
  await until(() => traffic.answered > 50);
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});

/** Values that no daemon can use; each is bad in one service alone. */
const bad = {
  'a ZooKeeper host with a scheme': { method: 'zookeeper', path: '/a', hosts: ['http://zk1:2181'] },
  'a ZooKeeper port out of range': { method: 'zookeeper', path: '/a', hosts: ['zk1:99999'] },
  'a chroot for each host': { method: 'zookeeper', path: '/a', hosts: 'zk1:1/a,zk2:1/a' },
  'a path with an empty name': { method: 'zookeeper', path: '/a//b', hosts: 'zk1:1' },
} as const;

test.each(Object.entries(bad))(
  'a running synapse goes on when a file with %s is dropped into service_conf_dir',
  async (_, discovery) => {
    await using scratch = await createScratch();
    await using copy = await startCopy('web-1');
    await mkdir(scratch.path('conf.d'));
    const [port, status] = [await freePort(), await freePort()];
    await using synapse = await startDaemon(
      'synapse',
      {
        service_conf_dir: 'conf.d',
        status_address: `127.0.0.1:${status}`,
        haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
        services: {
          web: {
            discovery: { method: 'base' },
            default_servers: [{ host: '127.0.0.1', port: copy.port }],
            haproxy: { port, listen: ['mode http'] },
          },
        },
      },
      scratch.directory,
    );
    const answers = async () => (await fetch(`http://127.0.0.1:${port}/`)).ok;
    await until(answers);
    await writeFile(scratch.path('conf.d', 'bad.json'), JSON.stringify({ discovery }));
    await until(() => synapse.log.some(({ msg }) => msg.startsWith('bad configuration')));
    expect(synapse.log.filter(({ msg }) => msg.startsWith('bad configuration'))).toHaveLength(1);
    expect(await answers()).toBe(true);
    const state = (await (await fetch(`http://127.0.0.1:${status}/status`)).json()) as object;
    expect(state).toMatchObject({ config_problems: [expect.stringContaining('bad.json:1:')] });
    const { exitCode, stderr } = await execa(
      process.execPath,
      [commandOf('synapse'), '-k', '-c', scratch.path('synapse.yaml')],
      { reject: false },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('bad.json:1:');
    expect(synapse.log.filter(({ level }) => level >= 60)).toEqual([]);
  },
);

test('a running nerve keeps what is announced when SIGHUP reads a ZooKeeper host that it cannot use', async () => {
  await using scratch = await createScratch();
  await using copy = await startCopy('web-1');
  const section = {
    instance_id: 'vm-1',
    status_address: false,
    registry: { type: 'file', directory: scratch.path('registry') },
  };
  const web = { host: '127.0.0.1', port: copy.port, checks: [{ type: 'tcp' }] };
  await using nerve = await startDaemon(
    'nerve',
    { ...section, services: { web } },
    scratch.directory,
  );
  // A file that is being written begins with a dot, and is no record.
  const announced = async () =>
    (await readdir(scratch.path('registry', 'web')).catch(() => [])).filter(
      (name) => !name.startsWith('.'),
    );
  await until(async () => (await announced()).length === 1);
  const [record] = await announced();
  const next = { ...web, port: copy.port + 1, reporter_type: 'zookeeper', zk_path: '/x' };
  await writeFile(
    scratch.path('nerve.yaml'),
    JSON.stringify({
      ...section,
      state_directory: scratch.path('state'),
      services: { web, next: { ...next, zk_hosts: ['zk1:99999'] } },
    }),
  );
  nerve.kill('SIGHUP');
  await until(() => nerve.log.some(({ msg }) => msg.startsWith('the configuration is bad')));
  expect(nerve.log.findLast(({ problems }) => problems)?.problems).toEqual([
    expect.stringMatching(
      /nerve\.yaml:1:\d+: services\.next\.zk_hosts: cannot use ZooKeeper host "zk1:99999"/,
    ),
  ]);
  expect(await announced()).toEqual([record]);
});
