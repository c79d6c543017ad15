import type { Instance } from '@smartstack/registry';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { haproxySchema, haproxyServiceSchema } from '../config/config.ts';
import type { ServerSettings } from './server.ts';
import { type Servers, serversOf } from './servers.ts';

const settingsOf = (backend_order: 'asc' | 'desc' | 'shuffle' | 'no_shuffle'): ServerSettings => ({
  top: haproxySchema.parse({ server_order_seed: 7 }),
  service: haproxyServiceSchema.parse({ port: 1, backend_order }),
  cookies: false,
  resolve: (host) => (host === 'unknown' ? undefined : host === 'named' ? '10.0.0.9' : host),
  made: new WeakMap(),
});

/** Few names and hosts, so that they meet: hosts that do not resolve, names that are cut alike, refused options. */
const onNetwork: fc.Arbitrary<Instance> = fc.record({
  host: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', 'named', 'unknown'),
  port: fc.integer({ min: 1, max: 4 }),
  name: fc.constantFrom('a', 'b', 'c d', 'c-d'),
  haproxyServerOptions: fc.constantFrom('', '', '', 'weight 3', 'namespace evil'),
});
const instance = fc.oneof(
  { weight: 9, arbitrary: onNetwork },
  fc.constantFrom<Instance>(
    { host: 'unix', port: '/run/a.sock' },
    { host: 'unix', port: '/run/b.sock', name: 'b' },
  ),
);

test.each(['asc', 'desc', 'shuffle', 'no_shuffle'] as const)(
  'a list that follows another has the servers that it would have alone: %s',
  (order) => {
    fc.assert(
      fc.property(
        fc.array(instance, { maxLength: 12 }),
        fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 12 }), { maxLength: 6 }),
        (pool, picks) => {
          const settings = settingsOf(order);
          let before: Servers | undefined;
          for (const pick of picks) {
            const list = pick.flatMap((at) => pool[at] ?? []);
            before = serversOf(list, settings, before);
            expect(before).toEqual(serversOf(list, settingsOf(order)));
          }
        },
      ),
    );
  },
);

test('what stays is the same object, and a new one moves no other', () => {
  const settings = settingsOf('shuffle');
  const members = Array.from(
    { length: 100 },
    (_, n): Instance => ({ host: '10.0.0.1', port: n + 1 }),
  );
  const before = serversOf(members, settings);
  const after = serversOf([...members.slice(1), { host: '10.0.0.2', port: 1 }], settings, before);
  const kept = after.servers.filter((server) => before.servers.includes(server));
  expect(kept).toHaveLength(99);
  expect(kept).toEqual(before.servers.filter((server) => after.servers.includes(server)));
});

test('a UNIX socket is a server of its own, under a name that HAProxy takes', () => {
  const spare: Instance = { host: 'unix', port: '/run/synapse/web.sock', name: 'spare' };
  const [server] = serversOf([spare], settingsOf('asc')).servers;
  expect(server).toMatchObject({ host: 'unix@/run/synapse/web.sock', port: 0 });
  expect(server?.name).toMatch(/^spare_unix:-run-synapse-web\.sock\.[0-9a-f]{8}$/);
});

test('options of a record have templates, which are filled with the member’s own', () => {
  const announced: Instance = {
    host: '10.0.0.1',
    port: 3000,
    haproxyServerOptions: 'check port %{port} inter 2s maxconn %{nokey}',
  };
  const { servers, refusals } = serversOf([announced], settingsOf('asc'));
  expect(servers[0]?.options).toBe('check port 3000 inter 2s');
  expect(refusals).toEqual([
    {
      server: '10.0.0.1:3000',
      options: [{ option: 'maxconn %{nokey}', reason: 'not its value' }],
    },
  ]);
});

test('a record asks for an id; one in its options, where that is allowed, goes first', () => {
  const announced: Instance = {
    host: '10.0.0.1',
    port: 1,
    haproxyServerId: 77,
    haproxyServerOptions: 'id 5',
  };
  const settings = settingsOf('asc');
  const allowing = { ...settings.top, registry_server_options: ['id'] };
  const wantedWith = (top: ServerSettings['top']) =>
    serversOf([announced], { ...settings, top, made: new WeakMap() }).servers[0]?.wantedId;
  expect(wantedWith(settings.top)).toBe(77);
  expect(wantedWith(allowing)).toBe(5);
});
