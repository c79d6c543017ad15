import { readFile } from 'node:fs/promises';

import { connect } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';
import { subjects } from './subject.fixture.ts';
import { ask, startMember } from './world.fixture.ts';

const path = '/services/web';

test.each(subjects)(
  'a synapse that starts while its registry is away has $title serve with the policy that it said before, marked as stale',
  async (subject) => {
    await using scratch = await createScratch();
    await using member = await startMember('a');
    const [port, status] = [await freePort(), await freePort()];
    await using zookeeper = await startZooKeeper();
    const config = {
      zookeeper: { hosts: [zookeeper.hosts] },
      status_address: `127.0.0.1:${status}`,
      snapshot_file: scratch.path('snapshot.json'),
      ...subject.top(scratch),
      services: { web: { discovery: { method: 'zookeeper', path }, port, protocol: 'http' } },
    };
    const answer = async (at: string) => (await ask(port, at).catch(() => undefined))?.status;
    const isStale = async () =>
      JSON.parse((await ask(status, '/status')).body).services.web.policy_stale;
    {
      await using session = connect({ hosts: [zookeeper.hosts] });
      const record = { host: '127.0.0.1', port: member.port, name: 'a' };
      const routes = [{ match: { path: '/said' }, respond: { status: 418 } }];
      await session.makePath(path);
      await session.set(path, Buffer.from(JSON.stringify({ policy: { routes } })));
      await session.create(
        `${path}/a_`,
        Buffer.from(JSON.stringify(record)),
        'persistent_sequential',
      );
      await using _synapse = await startDaemon('synapse', config, scratch.directory);
      await until(async () => (await answer('/said')) === 418);
      await until(async () =>
        (await readFile(scratch.path('snapshot.json'), 'utf8').catch(() => '')).includes('418'),
      );
      expect(await isStale()).toBe(false);
    }
    await zookeeper.stop();
    await using _synapse = await startDaemon('synapse', config, scratch.directory);
    await until(async () => (await answer('/')) === 200);
    expect(await answer('/said')).toBe(418);
    expect(await isStale()).toBe(true);

    await zookeeper.start();
    await until(async () => !(await isStale()));
    expect(await answer('/said')).toBe(418);
  },
);
