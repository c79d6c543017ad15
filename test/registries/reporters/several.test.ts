import { expect, test } from 'vitest';

import { freeze } from '../../support/freeze.ts';
import { until } from '../../support/until.ts';
import { all, others, shareRegistries, signal } from './shared.ts';

const shared = shareRegistries();
const { has } = shared;

test('one that is down at the start is announced in once it is there, and the others at once', async () => {
  const { zookeeper, machine } = shared;
  await zookeeper.stop();
  await machine.start();
  await has([1], others);
  await until(async () => (await machine.ready()) === 200);
  expect((await machine.nerve('status')).all).toMatch(
    new RegExp(
      [
        `web .* up +zookeeper: not known .*the registry has not answered yet`,
        ` +etcd: ${machine.path} \\(weight 1\\)`,
        ` +consul: ${machine.path.split('/').at(-1)} \\(weight 1\\)`,
        ` +file: ${machine.path} \\(weight 1\\)$`,
      ].join('\n'),
    ),
  );
  await zookeeper.start();
  await has([1], all);
});

test('one that hangs holds up no change, no withdrawal and no answer about the others', async () => {
  const { zookeeper, machine } = shared;
  await machine.start();
  await has([1], all);
  await freeze(zookeeper.pid);
  try {
    const weight = machine.nerve('weight', 'web', '7');
    await has([7], others);
    expect((await weight).all).toMatch(
      /^web has weight 7 in etcd, consul and file; .*zookeeper.*; nerve tries again, and nerve status shows the result$/,
    );
    const down = machine.nerve('down', 'web', '--wait', '--timeout', '2s');
    await has([], others);
    const { all, exitCode } = await down;
    expect(all).toMatch(/^web in zookeeper: still announced after 2 s/);
    expect(all).toMatch(/Confirmed: zookeeper 0 of 1, etcd 1 of 1, consul 1 of 1, file 1 of 1$/);
    expect(exitCode).toBe(1);
  } finally {
    process.kill(zookeeper.pid, 'SIGCONT');
  }
  await has([], all);
  await machine.nerve('up', 'web', '--wait');
  await has([7], all);
});

test('one that dies holds up no change, and has the newest once it is back', async () => {
  const { zookeeper, machine } = shared;
  await machine.start();
  await has([1], all);
  await zookeeper.kill('SIGKILL');
  await machine.nerve('weight', 'web', '8');
  await has([8], others);
  machine.copy.healthy(false);
  await has([], others);
  machine.copy.healthy(true);
  await has([8], others);
  await zookeeper.start();
  await has([8], all);
});

test.each([
  ['etcd', ['zookeeper', 'consul', 'file']],
  ['consul', ['zookeeper', 'etcd', 'file']],
] as const)('where %s hangs it is no different', async (hung, good) => {
  const { machine } = shared;
  await machine.start();
  await has([1], all);
  signal(shared, hung, 'SIGSTOP');
  try {
    machine.copy.healthy(false);
    await has([], good);
    machine.copy.healthy(true);
    await has([1], good);
  } finally {
    signal(shared, hung, 'SIGCONT');
  }
  await has([1], all);
});

test.each([
  ['zookeeper', ['etcd', 'consul', 'file']],
  ['etcd', ['zookeeper', 'consul', 'file']],
  ['consul', ['zookeeper', 'etcd', 'file']],
] as const)(
  'where %s hangs the end withdraws from the others at once, names it, and is over within 10 s',
  async (hung, good) => {
    const { machine } = shared;
    const daemon = await machine.start();
    await has([1], all);
    signal(shared, hung, 'SIGSTOP');
    try {
      const begin = performance.now();
      daemon.kill('SIGTERM');
      await has([], good);
      expect(performance.now() - begin).toBeLessThan(3_000);
      await daemon.exited;
      // What `docker stop` gives.
      expect(performance.now() - begin).toBeLessThan(10_000);
      const late = daemon.log.find(({ msg }) => msg === 'not everything was withdrawn in time');
      expect(late).toMatchObject({ services: [`web (${hung})`] });
    } finally {
      signal(shared, hung, 'SIGCONT');
    }
  },
);
