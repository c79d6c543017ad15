import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { connect } from '@smartstack/zookeeper';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { commandOf } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { createStage } from '../support/stage.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

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
  await using zookeeper = await startZooKeeper();
  await using stage = await createStage({ zookeeper: { hosts: [zookeeper.hosts] } });
  await using copy = await startCopy('web-1');
  await using writer = connect({ hosts: [zookeeper.hosts] });
  await writer.makePath('/services/web');
  await writer.create('/services/web/bad_', Buffer.from(data), 'persistent_sequential');
  await stage.nerve([copy]);
  const synapse = await stage.synapse();
  await until(async () => (await stage.rotation()).length === 1);
  const complaints = synapse.log.filter(({ msg }) => msg === 'bad registry record left out');
  expect(complaints).toEqual([
    expect.objectContaining({ path: '/services/web', record: 'bad_0000000000', reason }),
  ]);

  const ended = new AbortController();
  const traffic = startTraffic(stage.port, 100, ended.signal);
  await until(() => traffic.answered > 50);
  ended.abort();
  await traffic.done;
  expect([...traffic.reasons]).toEqual([]);
});
