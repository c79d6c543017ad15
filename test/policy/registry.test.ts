import { connect } from '@smartstack/zookeeper';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, type Member, startMember, startWorld, type World } from './world.fixture.ts';

const path = '/services/web';
describe.each(subjects)('of services that $title serves', (subject) => {
  let zookeeper: ZooKeeper;
  let session: ReturnType<typeof connect>;
  let member: Member;
  let world: World;
  let ports: { readonly web: number; readonly fleet: number };

  const say = (data: object | string) =>
    session.set(path, Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)));
  const answering = (status: number) => ({
    routes: [{ name: 'said', match: { path: '/said' }, respond: { status } }],
  });
  const services = () => {
    const discovery = { method: 'zookeeper', path };
    const own = { slow_start: '5s' };
    return {
      web: { discovery, port: ports.web, protocol: 'http', policy: own },
      fleet: {
        discovery,
        port: ports.fleet,
        protocol: 'http',
        policy: own,
        policy_from: 'registry',
      },
    };
  };
  const statusOf = async (
    name: string,
  ): Promise<{ readonly policy_refused: readonly string[] }> => {
    const { body } = await ask(world.status, '/status');
    return JSON.parse(body).services[name];
  };
  const shown = async (...words: readonly string[]): Promise<unknown> => {
    const file = world.scratch.path('synapse.yaml');
    const { stdout } = await execa(commandOf('synapse'), [
      '-c',
      file,
      'policy',
      ...words,
      '--json',
    ]);
    return JSON.parse(stdout);
  };

  beforeAll(async () => {
    zookeeper = await startZooKeeper();
    session = connect({ hosts: [zookeeper.hosts] });
    member = await startMember('a');
    await session.makePath(path);
    const record = Buffer.from(`{"host":"127.0.0.1","port":${member.port},"name":"a"}`);
    await session.create(`${path}/a_`, record, 'persistent_sequential');
    ports = { web: await freePort(), fleet: await freePort() };
    const top = { zookeeper: { hosts: [zookeeper.hosts] }, policy_unsupported: 'error' };
    world = await startWorld(services(), top, subject);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await member?.[Symbol.asyncDispose]();
    await session?.close();
    await zookeeper?.[Symbol.asyncDispose]();
  });

  test('a policy in the registry is in force as soon as it is written, and what cannot be used changes nothing', async () => {
    const answer = async () => (await ask(ports.web, '/said')).status;
    expect(await answer()).toBe(200);
    await say({ policy: { ...answering(418), slow_start: '9s' } });
    await until(async () => (await answer()) === 418);
    await until(async () => (await ask(ports.fleet, '/said')).status === 418);

    const word = (from: string, value: string) =>
      expect.arrayContaining([expect.objectContaining({ word: 'slow_start', value, from })]);
    expect(await shown('show', 'web')).toMatchObject({ words: word('service', '5s') });
    expect(await shown('show', 'fleet')).toMatchObject({ words: word('registry', '9s') });
    expect(await shown('try', 'web', '-r', 'GET /said')).toMatchObject({
      route: { name: 'said' },
      answer: { respond: { status: 418 } },
    });

    const cannot = differs(subject, 'a word that it cannot do', {
      haproxy: { word: 'hedge', policy: { hedge: { after: '1s' } } },
      envoy: { word: 'timeouts.queue', policy: { timeouts: { queue: '1s' } } },
    });
    await say({ policy: { ...answering(451), ...cannot.policy } });
    await until(async () => (await statusOf('web')).policy_refused.length > 0);
    const [refused] = (await statusOf('web')).policy_refused;
    expect(refused).toContain(`policy.${cannot.word}: ${subject.proxy} cannot do this`);
    await say({ policy: { rutes: [] } });
    await until(async () =>
      (await statusOf('web')).policy_refused[0]?.includes(
        'rutes: unknown key; did you mean routes?',
      ),
    );
    expect(await answer()).toBe(418);
    const { body } = await ask(world.status, '/metrics');
    expect(body).toContain('synapse_policy_refusals_total{service="web"} 2');
    const said = world.synapse.log.filter(({ msg }) => String(msg).includes('cannot be used'));
    expect(said).toHaveLength(4);

    // A configuration that is read again does not lose it.
    await world.change({ ...services(), other: { discovery: { method: 'base' } } });
    await until(async () => (await ask(world.status, '/v1/services/other')).status === 200);
    expect(await answer()).toBe(418);

    await say({});
    await until(async () => (await answer()) === 200);
    await until(async () => (await statusOf('web')).policy_refused.length === 0);
  });
});
