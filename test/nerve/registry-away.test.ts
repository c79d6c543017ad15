import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';
import { startRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';
import { createScene, type Scene, told } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await createScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const nerve = (...args: string[]) =>
  execa(process.execPath, [commandOf('nerve'), '-c', scene.scratch.path('nerve.yaml'), ...args], {
    reject: false,
    all: true,
  });

test.each(['ephemeral_sequential', 'persistent_sequential'])(
  'a record (%s) whose creation ZooKeeper has not confirmed is not said to be gone',
  async (nodeType) => {
    await using relay = await startRelay(scene.zookeeper.port);
    await scene.session.makePath(scene.path);
    for (const copy of scene.copies) copy.healthy(false);
    const daemon = await scene.nerve(
      scene.config(
        Object.fromEntries(scene.copies.map(({ name }) => [name, { node_type: nodeType }])),
        { zookeeper: { hosts: [relay.hosts], session_timeout: 30 } },
      ),
    );
    await until(() => daemon.log.some(({ msg }) => msg === 'zookeeper connected'));
    relay.swallowAnswers();
    for (const copy of scene.copies) copy.healthy(true);
    await scene.announced(3);
    const { all, exitCode } = await nerve('drain', '--timeout', '2s');
    expect(all).toMatch(/^a, b, c: still announced after 2 s/);
    expect(exitCode).toBe(1);
    expect((await nerve('status')).all).toMatch(/^a .* not known .*taken down by/m);
    relay.cut();
    expect((await nerve('drain')).all).toBe('all 3 services are gone from the registry');
    expect(await scene.names()).toEqual([]);
  },
);

test.each([
  ['down', ['down', 'a', '--wait'], ['a']],
  ['drain', ['drain'], ['a', 'b', 'c']],
])(
  'nerve %s does not say that a record is gone before ZooKeeper says so, whatever its session',
  async (_, command, services) => {
    const zookeeper = { hosts: [scene.zookeeper.hosts], session_timeout: 2 };
    await scene.nerve(scene.config({}, { zookeeper }));
    await scene.announced(3);
    await scene.zookeeper.kill('SIGKILL');
    // Longer than the session timeout: the record may stand all the same.
    const { exitCode, all } = await nerve(...command, '--timeout', '3s');
    expect(all).toBe(
      `${services.join(', ')}: still announced after 3 s: the registry does not answer, so the record may still be used; nerve withdraws it once it does`,
    );
    expect(exitCode).toBe(1);
    const { all: status } = await nerve('status');
    expect(status).toContain('The registry does not answer: what is announced there stays.');
    expect(status).toMatch(/^a .* (\/services\/web|not known) .*taken down by/m);

    await scene.zookeeper.start();
    const again = await nerve(...command, '--timeout', '30s');
    expect(again.all).toMatch(/gone from the registry$/);
    expect(again.exitCode).toBe(0);
    await until(async () => (await scene.names()).length === 3 - services.length);
  },
);

test('a weight that ZooKeeper has not answered is not confirmed yet, and is once it has', async () => {
  await using relay = await startRelay(scene.zookeeper.port);
  // Ends before the relay, which it needs to withdraw anything.
  await using daemon = await scene.nerve(
    scene.config({}, { zookeeper: { hosts: [relay.hosts], session_timeout: 30 } }),
  );
  // A record is there before its nerve has the answer.
  await until(() => told(daemon, 'announced') === 3);
  relay.swallowAnswers();
  expect((await nerve('weight', 'a', '7')).all).toBe(
    'a: weight 7 is not confirmed yet: the registry has not answered; nerve tries again, and nerve status shows the result',
  );
  expect((await nerve('status')).all).toMatch(/^a .* a change is not confirmed yet$/m);
  relay.cut();
  await until(async () => (await nerve('status')).all.includes('(weight 7)'));
  expect((await nerve('status')).all).not.toContain('not confirmed');
  expect((await nerve('weight', 'a', '7')).all).toBe('a has weight 7');
});

test('a weight that is set while ZooKeeper does not answer is not shown as announced', async () => {
  await scene.nerve();
  await scene.announced(3);
  await scene.zookeeper.kill('SIGKILL');
  await until(async () => (await nerve('status')).all.startsWith('The registry does not answer'));
  expect((await nerve('weight', 'a', '7')).all).toBe(
    'a: the registry does not answer; nerve announces weight 7 once it does',
  );
  expect((await nerve('status')).all).not.toContain('(weight 7)');
  await scene.zookeeper.start();
  await until(async () => (await nerve('status')).all.includes('(weight 7)'));
  await until(async () => !(await nerve('status')).all.startsWith('The registry does not answer'));
  expect((await nerve('weight', 'a', '8')).all).toBe('a has weight 8');
});

test('a nerve that ends while ZooKeeper does not answer names what it could not withdraw, and why', async () => {
  const daemon = await scene.nerve();
  await scene.announced(3);
  await scene.zookeeper.kill('SIGKILL');
  await until(async () => (await nerve('status')).all.startsWith('The registry does not answer'));
  daemon.kill('SIGTERM');
  await until(() => daemon.log.some(({ msg }) => msg === 'not everything was withdrawn in time'));
  const line = daemon.log.find(({ msg }) => msg === 'not everything was withdrawn in time');
  expect(line).toMatchObject({
    services: ['a', 'b', 'c'],
    reason: 'the registry does not answer',
    fix: expect.stringContaining('until the session of this nerve ends'),
  });
});

test('what an earlier nerve announced is not gone before it is withdrawn, and stands while its service is not judged', async () => {
  const slow = { checks: [{ type: 'exec', command: ['sleep', '60'], timeout: 70 }] };
  const first = await scene.nerve();
  await scene.announced(3);
  const before = await scene.names();
  first.kill('SIGUSR2');
  await first.exited;
  // Neither of two is judged for a minute.
  await scene.nerve(scene.config({ a: slow, b: slow }));
  await until(async () => /^c .* up /m.test((await nerve('status')).all));
  expect((await nerve('status')).all).toMatch(/^a .* unknown +not known /m);
  expect(await scene.names()).toEqual(before);
  expect((await nerve('down', 'a', '--wait')).all).toBe(
    'a is taken down and gone from the registry',
  );
  expect(await scene.names()).toHaveLength(2);
});
