import { mkdir, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { commandOf, type Daemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';
import { createScene, type Scene, told, watch } from './scene.ts';
import { shareZooKeeper } from './shared-zookeeper.ts';

const shared = shareZooKeeper();
let scene: Scene;
let scenes = 0;
beforeEach(async () => {
  const path = `/services/web-${scenes++}`;
  scene = await createScene(['a', 'b'], { zookeeper: shared.zookeeper, path });
});
afterEach(() => scene[Symbol.asyncDispose]());

const command = (...args: string[]) =>
  execa(process.execPath, [commandOf('nerve'), '-c', scene.scratch.path('nerve.yaml'), ...args], {
    reject: false,
    all: true,
  });
const reasonOf = ({ log }: Daemon, message: string) =>
  log.find(({ msg }) => msg === message)?.reason;

test('one that cannot be made leaves nerve to its job, and is used once it can', async () => {
  await writeFile(scene.scratch.path('file'), '');
  const directory = scene.scratch.path('file', 'state');
  const daemon = await scene.nerve(scene.config({}, { state_directory: directory }));
  await scene.announced(2);
  await until(() => reasonOf(daemon, 'cannot take commands'));
  expect(reasonOf(daemon, 'cannot save the sessions for the next nerve')).toMatch(/ENOTDIR|EEXIST/);
  expect(told(daemon, 'cannot save the sessions for the next nerve')).toBe(1);
  await execa('rm', [scene.scratch.path('file')]);
  await mkdir(directory, { recursive: true });
  await until(async () => (await command('status')).exitCode === 0);
});

test('one that is too long for a socket is said by nerve and by its commands', async () => {
  const directory = scene.scratch.path('x'.repeat(100));
  const daemon = await scene.nerve(scene.config({}, { state_directory: directory }));
  await scene.announced(2);
  await until(() => reasonOf(daemon, 'cannot take commands'));
  const reason = /a socket's path has at most 107 bytes, this one \d+; choose a shorter/;
  expect(reasonOf(daemon, 'cannot take commands')).toMatch(reason);
  const { all, exitCode } = await command('status');
  expect(all).toMatch(reason);
  expect(exitCode).toBe(1);
});

test('one that another nerve has is the second’s when the first has ended', async () => {
  const { services, ...top } = scene.config() as { services: Readonly<Record<string, object>> };
  const config = (name: string) => ({ ...top, services: { [name]: services[name] } });
  const first = await scene.nerve(config('a'));
  await until(async () => (await command('status')).exitCode === 0);
  const second = await scene.nerve(config('b'));
  await scene.announced(2);
  expect((await command('status')).stdout).toMatch(/^a /m);
  first.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  await until(async () => /^b /m.test((await command('status')).stdout));
  await until(() => told(second, 'the state directory is free now, and used') === 1);
  await new Promise((resolve) => setTimeout(resolve, 600));

  await using watched = await watch(scene.session, scene.path);
  second.kill('SIGKILL');
  await second.exited;
  const third = await scene.nerve(config('b'));
  await until(() => told(third, 'announced') === 1);
  expect(watched.lists).toEqual([1]);
});

test('files in it that are cut or strange are said, and ignored', async () => {
  await mkdir(scene.scratch.path('state'));
  await writeFile(scene.scratch.path('state', 'sessions.json'), '{"machine":"');
  await writeFile(scene.scratch.path('state', 'orders.json'), '[]');
  const daemon = await scene.nerve();
  await scene.announced(2);
  expect(told(daemon, 'ignored a state file that cannot be read')).toBe(2);
});
