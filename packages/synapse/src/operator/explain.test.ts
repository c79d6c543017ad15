import type { ProxyDriver, Service } from '@smartstack/proxy';
import { type Instance, withBadRecords, withSource } from '@smartstack/registry';
import { expect, test } from 'vitest';
import type { ServiceConfig } from '../config/config.ts';
import { createTrace } from '../discovery/trace.ts';
import type { Followed } from '../reconcile/follower.ts';
import { explain } from './explain.ts';
import { explanationText } from './shown.ts';

const member = (host: string, zone = 'a'): Instance => ({ host, port: 1, labels: { zone } });
const proxy = (servers: Record<string, string>) =>
  ({
    name: 'haproxy',
    refused: () => [],
    status: () => ({
      services: {
        web: {
          servers: Object.entries(servers).map(([name, state]) => ({ name, address: name, state })),
        },
      },
    }),
  }) as unknown as ProxyDriver;

async function followed(
  lists: Record<string, readonly Instance[]>,
  config: object,
  held: readonly Instance[] = [],
) {
  const trace = createTrace();
  for (const [step, list] of Object.entries(lists))
    for await (const _ of trace.through(step, async function* () {
      yield list;
    })(new AbortController().signal));
  const plain = { discovery: { method: 'zookeeper' }, default_servers: [] };
  return {
    trace,
    config: { ...plain, ...config } as unknown as ServiceConfig,
    guard: { held: () => (held.length > 0 ? { members: held, until: 0 } : undefined) },
  } as unknown as Followed;
}
const service = (
  instances: readonly Instance[] | undefined,
  more: Partial<Service> = {},
): Service => ({
  name: 'web',
  instances,
  defaults: [],
  origin: 'synapse.yaml:2:3',
  ...more,
});
const whys = (explanation: ReturnType<typeof explain>) =>
  explanation.members.map(
    ({ address, served, why }) => `${address} ${served ? 'yes' : 'no'}: ${why}`,
  );

test('a path that does not exist is said, not that the registry does not answer', async () => {
  const missing = 'the path /services/web does not exist';
  const { summary } = explain(await followed({}, {}), service(undefined, { missing }), []);
  expect(summary).toBe(
    'no instance is registered: the path /services/web does not exist; 0 served meanwhile',
  );
});

test('a member is followed to the proxy, or to the filter that left it out', async () => {
  const [a, b, c] = [member('a'), member('b', 'z'), member('c')];
  const filter = { label: 'zone', condition: 'equals', value: 'a' };
  const each = await followed(
    { found: [a, b, c], filtered: [a, c], kept: [a, c] },
    { discovery: { method: 'zookeeper', label_filters: [filter] } },
  );
  const explained = explain(each, service([a, c]), [proxy({ 'a:1': 'up' })]);
  expect(explained).toMatchObject({ method: 'zookeeper', configured_at: 'synapse.yaml:2:3' });
  expect(explained.summary).toMatch(/^3 found, 2 served/);
  expect(whys(explained)).toEqual([
    'a:1 yes: in the proxy: up',
    'c:1 yes: not proxied: the service has no haproxy section',
    'b:1 no: left out by a label filter: zone equals "a", but it is "z"',
  ]);
});

test('who does not lead, who is held back, and who is there for want of others is said', async () => {
  const [a, b] = [member('a'), member('b')];
  const led = await followed(
    { found: [a, b], filtered: [a, b], kept: [a, b] },
    { leader_election: true },
  );
  expect(whys(explain(led, service([a]), [proxy({ 'a:1': 'up' })]))).toEqual([
    'a:1 yes: in the proxy: up',
    'b:1 no: not the leader',
  ]);
  const held = await followed({ found: [a], filtered: [a], kept: [a, b] }, {}, [b]);
  const explained = explain(held, service([a, b]), []);
  expect(explained.summary).toMatch(/^1 of 2 served are no longer announced; held back until 1970/);
  expect(whys(explained)[1]).toMatch(/^b:1 yes: held back/);
  const previous = await followed({ found: [], filtered: [], kept: [a] }, {});
  expect(whys(explain(previous, service([a]), []))[0]).toMatch(
    /^a:1 yes: previous: no instance is registered/,
  );
});

test('who is further away than need be, and who stands by, is said', async () => {
  const [a, b] = [member('a'), member('b', 'b')];
  const zones = { from: 'zone', prefer: ['a'] };
  const lists = { found: [a, b], filtered: [a, b], kept: [a] };
  const near = await followed(lists, { locality: { ...zones, spill: 1 } });
  expect(whys(explain(near, service([a]), []))[1]).toBe(
    'b:1 no: not needed: its zone is "b", and enough are nearer',
  );
  const down = await followed({ ...lists, kept: [a, b] }, {});
  const levelled = service([a, b], { locality: { ...zones, spill: 'down' } });
  expect(whys(explain(down, levelled, [proxy({ 'a:1': 'up', 'b:1': 'up' })]))).toEqual([
    'a:1 yes: in the proxy: up',
    'b:1 yes: stands by: its zone is "b"; in the proxy: up',
  ]);
});

test('what is served before any answer is said', async () => {
  const silent = await followed({}, {});
  const defaults = [member('d')];
  expect(whys(explain(silent, service(undefined, { defaults }), []))[0]).toMatch(
    /: a default server/,
  );
  const stale = explain(silent, service(undefined, { defaults, stale: true }), []);
  expect(whys(stale)[0]).toMatch(/: remembered from an earlier run/);
  expect(stale.summary).toBe('no answer from the discovery yet; 1 served meanwhile');
});

test('records that cannot be read are said, with their reasons', async () => {
  const bad = [{ id: 'vm-9_0000000009', reason: 'not JSON' }];
  const each = await followed({ found: withBadRecords([], bad), filtered: [], kept: [] }, {});
  const explained = explain(each, service([]), []);
  expect(explained.summary).toBe('0 found, 1 cannot be read, 0 served');
  expect(explanationText(explained)).toMatch(/\n {2}vm-9_0000000009 +cannot be read +not JSON\n$/);
});

test('what others wrote does not command the terminal, nor make lines of its own', async () => {
  const bad = [{ id: 'x\u001b[2J\nweb', reason: 'not JSON\u009b' }];
  const each = await followed({ found: withBadRecords([], bad), filtered: [], kept: [] }, {});
  each.trace?.note('no\nanswer');
  const text = explanationText(explain(each, service([]), []));
  expect(text).toMatch(/\n {2}x\ufffd\[2J\ufffdweb +cannot be read +not JSON\ufffd\n$/);
  expect(text).toContain('tried again: no\ufffdanswer\n');
});

test('a replaced port is the member’s', async () => {
  const a = member('a');
  const each = await followed(
    { found: [a], filtered: [a], kept: [{ ...a, port: 9 }] },
    { backend_port_override: 9 },
  );
  expect(whys(explain(each, service([{ ...a, port: 9 }]), [proxy({ 'a:9': 'down' })]))).toEqual([
    'a:9 yes: in the proxy: down',
  ]);
});

test('what the registry says over the section is said, and its port is the members’', async () => {
  const [a, spare] = [member('a'), member('spare')];
  const each = await followed(
    { found: [a], filtered: [a], kept: [a, spare] },
    { default_servers: [spare] },
  );
  const moved = service([{ ...a, port: 9 }, spare], {
    registryConfig: { haproxy: { server_port_override: 9, backend_order: 'asc' } },
  });
  const explained = explain(each, moved, [proxy({ 'a:9': 'up', 'spare:1': 'up' })]);
  expect(whys(explained)).toEqual([
    'a:9 yes: in the proxy: up',
    'spare:1 yes: a default server; in the proxy: up',
  ]);
  expect(explanationText(explained)).toContain(
    '\n  its ZooKeeper path sets server_port_override 9, backend_order "asc"\n',
  );
});

test('a part of the discovery that cannot be asked is said, in text and JSON', async () => {
  const a = member('a');
  const each = await followed({ found: [a], filtered: [a], kept: [a] }, {});
  each.trace?.note('answered 500', 'watcher blue');
  each.trace?.note('no answer');
  const explained = explain(each, service([a]), []);
  expect(explained.troubles).toEqual([
    { part: 'watcher blue', reason: 'answered 500' },
    { part: '', reason: 'no answer' },
  ]);
  expect(explanationText(explained)).toContain(
    '1 found, 1 served\n  watcher blue fails, and is tried again: answered 500\n  its discovery fails, and is tried again: no answer\n',
  );
  each.trace?.note(undefined, 'watcher blue');
  each.trace?.note(undefined);
  expect(explain(each, service([a]), []).troubles).toEqual([]);
});

test('what happens to its traffic is said in a line, and what its registry says of it', async () => {
  const list = [member('a')];
  const policy = { policy: { retries: { attempts: 0 } }, origins: new Map() };
  const explained = explain(
    await followed({ found: list, served: list }, {}),
    service(list, { policy, registryPolicy: { slow_start: 5000 } }),
    [proxy({})],
  );
  expect(explained.registry_config).toEqual({ policy: { slow_start: '5s' } });
  const text = explanationText(explained);
  expect(text).toContain('\n  traffic: no retries; synapse policy show web says all\n');
  expect(text).toContain('\n  its ZooKeeper path sets policy {"slow_start":"5s"}\n');
});

test('a policy of the registry that is refused is said, and one that is remembered', async () => {
  const policy = { policy: { slow_start: 1000 }, origins: new Map([['slow_start', 'registry']]) };
  const policed = service([], { policy, stalePolicy: true } as Partial<Service>);
  const refusedPolicy = ['policy.hedge: haproxy cannot do this'];
  const text = explanationText(explain(await followed({}, {}), policed, [], { refusedPolicy }));
  expect(text).toContain('; what its registry says of it is remembered from an earlier run\n');
  expect(text).toContain(
    'the policy in its registry is refused, and the one before stays: policy.hedge: haproxy cannot do this\n',
  );
});

test('a member of a multi says which watchers found it, and where its record stands', async () => {
  const [a, again, b] = [withSource(member('a'), '/web/a at 7'), member('A'), member('b')];
  const each = await followed(
    { found: [a, b], filtered: [a, b], kept: [a, b] },
    { discovery: { method: 'multi', watchers: { old: {}, new: {} } } },
  );
  each.trace?.found('new', [again, b]);
  each.trace?.found('old', [a]);
  const explained = explain(each, service([a, b]), [proxy({ 'a:1': 'up' })]);
  expect(explained.members).toMatchObject([
    { address: 'a:1', watchers: ['old', 'new'], record: '/web/a at 7' },
    { address: 'b:1', watchers: ['new'] },
  ]);
  const text = explanationText(explained);
  expect(text).toContain('in the proxy: up; in watcher old, also in new; /web/a at 7\n');
  expect(text).toMatch(/b:1 .*; in watcher new\n/);
});
