import { readdir } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { subjects } from './subject.fixture.ts';
import { workerOf } from './worker.fixture.ts';
import { ask, serviceOf, startMember, startWorld } from './world.fixture.ts';

test.each(subjects)('who may connect to $title changes without a reload', async (subject) => {
  await using member = await startMember('a');
  const [port, tcpPort] = [await freePort(), await freePort()];
  const services = (allow: readonly string[]) => ({
    web: serviceOf(port, [member], { allow }),
    raw: serviceOf(tcpPort, [member], { allow }, { protocol: 'tcp' }),
  });
  const top = { haproxy: { audit_interval: '1s' } };
  await using world = await startWorld(services(['10.9.9.0/24', '::1']), top, subject);
  const isServed = (at: number) =>
    ask(at).then(
      ({ status }) => status === 200,
      () => false,
    );
  expect([await isServed(port), await isServed(tcpPort)]).toEqual([false, false]);
  const worker = await workerOf(world, subject);

  await world.change(services(['127.0.0.1', '10.9.9.0/24']));
  await until(() => isServed(port));
  await until(() => isServed(tcpPort));

  if (subject.proxy === 'haproxy') {
    const file = world.scratch.path('run', 'haproxy.cfg.policy.allow.web');
    await world.haproxy.ask(`del acl ${file} 127.0.0.1`);
    expect(await isServed(port)).toBe(false);
    // What somebody else changes is put back.
    await until(() => isServed(port));
  }

  await world.change(services([]));
  await until(async () => !(await isServed(port)));
  expect(await workerOf(world, subject)).toBe(worker);
  const { raw: _, ...rest } = services(['127.0.0.1']);
  if (subject.proxy === 'envoy') {
    await world.change(rest);
    await until(() => isServed(port));
    return;
  }

  // Those whose names begin with a dot are being written.
  const policyFiles = async () =>
    (await readdir(world.scratch.path('run')))
      .filter((name) => name.includes('.policy.') && !name.startsWith('.'))
      .sort();
  const [map, raw, web] = ['map', 'allow.raw', 'allow.web'].map(
    (each) => `haproxy.cfg.policy.${each}`,
  );
  expect(await policyFiles()).toEqual([raw, web, map]);
  await world.change(rest);
  await until(async () => (await policyFiles()).length === 2);
  expect(await policyFiles()).toEqual([web, map]);
  await until(() => isServed(port));
});
