import { mkdir, rm, writeFile } from 'node:fs/promises';

import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Daemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';
import { createScene, type Scene, told } from './scene.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

const shared = shareZooKeeper();
let scene: Scene;
let scenes = 0;
beforeEach(async () => {
  const path = `/services/web-${scenes++}`;
  scene = await createScene(undefined, { zookeeper: shared.zookeeper, path });
  await mkdir(scene.scratch.path('conf.d'));
});
afterEach(() => scene[Symbol.asyncDispose]());

const file = (name: string) => scene.scratch.path('conf.d', `${name}.yaml`);
const services = () => (scene.config() as { services: Readonly<Record<string, object>> }).services;
const write = (name: string, service: object | string | undefined) =>
  writeFile(file(name), typeof service === 'string' ? service : JSON.stringify(service));
const nerve = () => scene.nerve({ ...scene.config(), services: {}, service_conf_dir: 'conf.d' });

async function reload(daemon: Daemon): Promise<void> {
  const before = told(daemon, 'configuration read again');
  daemon.kill('SIGHUP');
  await until(() => told(daemon, 'configuration read again') > before);
}
const problemsOf = ({ log }: Daemon) => log.findLast(({ problems }) => problems)?.problems;

test('a file that became bad keeps what it had, and the others are taken', async () => {
  const { a, b } = services();
  await write('a', a);
  const daemon = await nerve();
  await scene.announced(1);
  const [first] = await scene.names();
  await write('a', 'host: [');
  await write('b', b);
  await reload(daemon);
  await scene.announced(2);
  expect(await scene.names()).toContain(first);
  expect(problemsOf(daemon)).toEqual([expect.stringContaining(`${file('a')}:1:8: `)]);
  await rm(file('a'));
  await reload(daemon);
  await scene.announced(1);
  expect(await scene.names()).not.toContain(first);
});

test('a file that announces what another does is left out, and both are named', async () => {
  const { a } = services();
  await write('a', a);
  const daemon = await nerve();
  await scene.announced(1);
  const [first] = await scene.names();
  await write('twin', a);
  await reload(daemon);
  expect(problemsOf(daemon)).toEqual([
    expect.stringMatching(/conf\.d\/a\.yaml:1:\d+: services\.a\.port: services\.twin announces /),
    expect.stringMatching(
      /conf\.d\/twin\.yaml:1:\d+: services\.twin\.port: services\.a announces /,
    ),
  ]);
  expect(await scene.names()).toEqual([first]);
});

test('nerve does not start with two files that announce the same, and names both', async () => {
  const { a } = services();
  await write('a', a);
  await write('twin', a);
  const daemon = await nerve();
  expect(await daemon.exited).toBe(1);
  const text = daemon.log.map(({ msg }) => msg).join('\n');
  expect(text).toContain('a.yaml:1:');
  expect(text).toContain('twin.yaml:1:');
});
