import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { connect, type Session } from '@smartstack/zookeeper';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Copy, startCopy } from '../../support/copies.ts';
import { commandOf, startDaemon } from '../../support/daemon.ts';
import { gathered, type Prometheus, startPrometheus } from '../../support/prometheus.ts';
import { createScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../../support/zookeeper.ts';

const plain = '/services/plain';
const members = '/aurora/jobs/web';

let zookeeper: ZooKeeper;
let session: Session;
beforeAll(async () => {
  zookeeper = await startZooKeeper();
  session = connect({ hosts: [zookeeper.hosts] });
});
afterAll(async () => {
  await session.close();
  await zookeeper[Symbol.asyncDispose]();
});

/** Prometheus' two discoveries in ZooKeeper, a path each. */
function jobsOf(hosts: string): readonly object[] {
  const common = { servers: [hosts], timeout: '5s' };
  return [
    { job_name: 'serverset', serverset_sd_configs: [{ ...common, paths: [members] }] },
    { job_name: 'nerve', nerve_sd_configs: [{ ...common, paths: [plain] }] },
  ];
}

/** What a Prometheus knows of each target, in a line. */
const targetsOf = async (prometheus: Prometheus) =>
  (await prometheus.targets()).map(({ discoveredLabels: labels }) => lineOf(labels)).sort();

function lineOf(labels: Readonly<Record<string, string>>): string {
  const of = (name: string) => labels[`__meta_serverset_${name}`];
  if (labels.job === 'nerve') return `nerve ${labels.__address__}`;
  const path = (of('path') ?? '').replace(/\d{10}$/, '#');
  const admin = of('endpoint_port_admin');
  return `${path} ${labels.__address__} ${of('status')} shard ${of('shard')} admin ${admin}`;
}

/** Names and content of the nodes at the server set's path. */
async function nodes(): Promise<Readonly<Record<string, unknown>>> {
  if (!(await session.exists(members))) return {};
  const { names } = await session.list(members);
  const entries = names.map(async (name) => {
    const { data } = await session.get(`${members}/${name}`);
    return [name, JSON.parse(data.toString())] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

test('Prometheus lists exactly the members of either encoding, and synapse serves them', async () => {
  await using scratch = await createScratch();
  await using other = await createScratch();
  await using web = await startCopy('web');
  await using both = await startCopy('both');
  await using sick = await startCopy('sick');
  sick.healthy(false);
  const encode = { method: 'serverset', endpoint_name: 'admin' };
  const service = ({ port }: Copy, keys: object) => ({
    host: '127.0.0.1',
    port,
    check_interval: 0.1,
    checks: [{ type: 'http', uri: '/health', timeout: 5 }],
    ...keys,
  });
  const config = {
    instance_id: 'vm-1',
    status_address: false,
    zookeeper: { hosts: [zookeeper.hosts], session_timeout: 8 },
    services: {
      web: service(web, { zk_path: members, encode: { ...encode, shard: 3 }, weight: 5 }),
      both: service(both, {
        reporters: [
          { type: 'zookeeper', zk_path: members, encode },
          { type: 'zookeeper', zk_path: plain },
        ],
      }),
      sick: service(sick, { zk_path: members, encode }),
    },
  };
  await using prometheus = await startPrometheus(jobsOf(zookeeper.hosts));
  const first = await startDaemon('nerve', config, scratch.directory);
  const memberOf = ({ port }: Copy, shard = 0) =>
    `${members}/member_# 127.0.0.1:${port} ALIVE shard ${shard} admin ${port}`;
  const listed = (...lines: readonly string[]) =>
    until(async () => {
      expect(await targetsOf(prometheus)).toEqual([...lines].sort());
      return true;
    }, gathered);
  await listed(memberOf(web, 3), memberOf(both), `nerve 127.0.0.1:${both.port}`);

  const output = other.path('services');
  const synapse = {
    haproxy: false,
    status_address: false,
    snapshot_file: other.path('snapshot.json'),
    zookeeper: { hosts: [zookeeper.hosts] },
    file_output: { output_directory: output },
    services: {
      web: {
        discovery: {
          method: 'zookeeper',
          path: members,
          decode: { method: 'serverset', endpoint_name: 'admin' },
        },
      },
    },
  };
  await using _ = await startDaemon('synapse', synapse, other.directory);
  const served = async () => {
    const found = JSON.parse(await readFile(join(output, 'web.json'), 'utf8')) as {
      readonly port: number;
      readonly name: string;
      readonly weight: number | null;
    }[];
    return found.map(({ name, port, weight }) => `${name} ${port} ${weight ?? '-'}`).sort();
  };
  const serves = (...expected: readonly string[]) =>
    until(async () => {
      expect(await served()).toEqual([...expected].sort());
      return true;
    });
  await serves(`vm-1 ${web.port} 5`, `vm-1 ${both.port} -`);

  // A change is written in place, and the next nerve takes the very nodes over.
  const before = Object.keys(await nodes());
  await execa(process.execPath, [
    commandOf('nerve'),
    '-c',
    scratch.path('nerve.yaml'),
    'weight',
    'web',
    '9',
  ]);
  await serves(`vm-1 ${web.port} 9`, `vm-1 ${both.port} -`);
  first.kill('SIGKILL');
  await first.exited;
  await using second = await startDaemon('nerve', config, scratch.directory);
  await until(() => second.log.filter(({ msg }) => msg === 'announced').length >= 3);
  expect(Object.keys(await nodes()).sort()).toEqual(before.sort());

  web.healthy(false);
  sick.healthy(true);
  await serves(`vm-1 ${sick.port} -`, `vm-1 ${both.port} -`);
  await listed(memberOf(sick), memberOf(both), `nerve 127.0.0.1:${both.port}`);
});

test('a member that an earlier nerve left is withdrawn, one of others stays, and a new encoding replaces the old', async () => {
  await using scratch = await createScratch();
  await using web = await startCopy('web');
  const path = '/aurora/jobs/api';
  const config = (keys: object) => ({
    instance_id: 'vm-1',
    status_address: false,
    zookeeper: { hosts: [zookeeper.hosts], session_timeout: 8 },
    services: {
      api: { host: '127.0.0.1', port: web.port, zk_path: path, check_interval: 0.1, ...keys },
    },
  });
  const record = (name: string | undefined, port: number) =>
    Buffer.from(
      JSON.stringify({
        serviceEndpoint: { host: '127.0.0.1', port },
        additionalEndpoints: {},
        status: 'ALIVE',
        name,
      }),
    );
  await session.makePath(path);
  const left = await session.create(
    `${path}/member_`,
    record('vm-1', web.port),
    'persistent_sequential',
  );
  const others = [
    await session.create(`${path}/member_`, record('vm-2', web.port), 'persistent_sequential'),
    await session.create(`${path}/member_`, record(undefined, web.port), 'persistent_sequential'),
    await session.create(`${path}/member_`, record('vm-1', 1), 'persistent_sequential'),
  ];
  const names = async () => (await session.list(path)).names.map((name) => `${path}/${name}`);
  const first = await startDaemon('nerve', config({}), scratch.directory);
  await until(async () => !(await names()).includes(left));
  expect(await names()).toHaveLength(4);
  expect(await names()).toEqual(expect.arrayContaining(others));
  first.kill('SIGUSR2');
  await first.exited;
  await using _ = await startDaemon(
    'nerve',
    config({ encode: { method: 'serverset' } }),
    scratch.directory,
  );
  await until(async () => {
    const own = (await names()).filter((name) => !others.includes(name));
    expect(own).toHaveLength(1);
    expect(own[0]).toContain('/member_');
    return true;
  });
});
