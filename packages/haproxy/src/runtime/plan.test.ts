import { describe, expect, test } from 'vitest';
import { traitsOf } from '../render/traits.ts';
import { capabilitiesOf } from '../render/version.ts';
import { plan, type Situation } from './plan.ts';
import { server, state } from './server-state.fixture.ts';

const traits = (...lines: string[]) =>
  traitsOf(lines, [], { serverOptions: '', capabilities: capabilitiesOf('2.6.12') });

function planned(more: Partial<Situation>) {
  const { steps, ...rest } = plan({
    backend: 'web',
    traits: traits(),
    desired: [],
    ids: new Map((more.desired ?? []).map(({ name }, index) => [name, index + 1])),
    actual: [],
    told: new Map(),
    halfway: new Set(),
    leaving: new Map(),
    ...more,
  });
  return { ...rest, commands: steps.flatMap(({ commands }) => commands) };
}

describe('plan', () => {
  test('adds a server with an id and a pool, and never with enabled', () => {
    expect(
      planned({ desired: [server('a', { options: 'check inter 1s', weight: 3 })] }).commands,
    ).toEqual([
      'add server web/a 10.0.0.1:80 id 1 check inter 1s pool-max-conn -1 pool-purge-delay 5s weight 3',
      'set server web/a state ready',
      'enable health web/a',
    ]);
  });

  test('gives a new server what default-server says, and checks over TLS where it speaks TLS', () => {
    const [add] = planned({
      traits: traits('default-server check ssl verify none alpn h2'),
      desired: [server('a')],
    }).commands;
    expect(add).toContain(' check ssl verify none alpn h2 ');
    expect(add).toContain(' check-ssl check-alpn http/1.1 ');
  });

  test('drains what left, after what came', () => {
    const { commands, leave } = planned({ desired: [server('b')], actual: [state('a')] });
    expect(commands.slice(-2)).toEqual([
      'set server web/a state drain',
      'set server web/a weight 0%',
    ]);
    expect(leave).toEqual([{ server: 'a', replace: false }]);
  });

  test('readies what left and came back', () => {
    const back = {
      desired: [server('a')],
      actual: [state('a', { drain: true })],
      leaving: new Map([['a', { replace: false }]]),
    };
    expect(planned(back)).toMatchObject({
      commands: ['set server web/a weight 100%', 'set server web/a state ready'],
      back: ['a'],
    });
  });

  test('leaves alone and reports what an operator took out', () => {
    const { commands, byOperator } = planned({
      desired: [server('a'), server('b')],
      actual: [state('a', { maintenance: true }), state('b', { drain: true })],
    });
    expect(commands).toEqual([]);
    expect([...byOperator]).toEqual([
      ['a', 'maintenance'],
      ['b', 'drain'],
    ]);
  });

  test('opens what was added and left halfway', () => {
    const { commands, byOperator } = planned({
      desired: [server('a', { options: 'check' })],
      actual: [state('a', { maintenance: true })],
      halfway: new Set(['a']),
    });
    expect(commands).toEqual(['set server web/a state ready', 'enable health web/a']);
    expect(byOperator.size).toBe(0);
  });

  test('changes a weight that is to change, and no weight that someone changed by hand', () => {
    const actual = [state('a', { weight: 5 })];
    const told = new Map([['a', server('a', { weight: 1 })]]);
    expect(planned({ desired: [server('a', { weight: 7 })], actual, told }).commands).toEqual([
      'set server web/a weight 7',
    ]);
    expect(planned({ desired: [server('a', { weight: 1 })], actual, told }).commands).toEqual([]);
  });

  test('moves a server whose name resolves to another address', () => {
    const { commands } = planned({
      desired: [server('a', { host: '10.0.0.2' })],
      actual: [state('a')],
    });
    expect(commands).toEqual(['set server web/a addr 10.0.0.2 port 80']);
  });

  test.each([
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::FFFF:10.1.2.3', '::ffff:10.1.2.3'],
  ])('takes %s for what HAProxy calls %s', (announced, shown) => {
    const desired = [server('a', { host: announced })];
    expect(planned({ desired, actual: [state('a', { host: shown })] }).commands).toEqual([]);
    const elsewhere = [state('a', { host: '2001:db8::2' })];
    expect(planned({ desired, actual: elsewhere }).commands).toHaveLength(1);
  });

  test('keeps everything while the members are unknown', () => {
    expect(planned({ desired: undefined, actual: [state('a')] }).commands).toEqual([]);
  });

  test('touches no server that the user wrote', () => {
    const own = { traits: traits('server mine 127.0.0.1:1'), actual: [state('mine')] };
    expect(planned({ ...own, desired: [] }).commands).toEqual([]);
  });

  test('asks for a reload where servers cannot be added, and says why', () => {
    expect(planned({ traits: traits('balance static-rr'), desired: [server('a')] })).toMatchObject({
      commands: [],
      reload: 'balance static-rr takes no new servers at runtime',
    });
  });

  test('makes servers with other options anew a fifth at a time, and the only one by a reload', () => {
    const names = Array.from({ length: 10 }, (_, index) => `s${index}`);
    const changed = (some: readonly string[]) => ({
      desired: some.map((name) => server(name, { options: 'maxconn 5' })),
      actual: some.map((name) => state(name)),
      told: new Map(some.map((name) => [name, server(name)])),
    });
    expect(planned(changed(names)).leave).toHaveLength(2);
    expect(planned(changed(['s0']))).toMatchObject({
      commands: [],
      reload: 'the only server has other options',
    });
  });
});
