import { silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { elect, withLeader } from './leader.ts';

const member = (host: string, id?: string): Instance => ({ host, port: 1, ...(id && { id }) });
const one = member('one', 'vm-1_0000000007');
const two = member('two', 'vm-2_0000000012');
const encoded = member('three', 'base64_4_e30=_0000000009');
const early = member('early', 'vm-0_0000000001');

test.each<[string, Instance | undefined, readonly Instance[], object]>([
  ['the lowest number leads', undefined, [two, one, encoded], { leader: one }],
  ['the number counts, not the name', undefined, [two, encoded], { leader: encoded }],
  ['who leads goes on', two, [early, two], { leader: two }],
  ['who led and is gone is followed by the lowest', one, [two, encoded], { leader: encoded }],
  [
    'who led and announced itself anew stands in line',
    { ...one, id: 'vm-1_0000000001' },
    [one, early],
    { leader: early },
  ],
  ['no member is no leader', one, [], { failure: 'there are no members' }],
  [
    'one without a number spoils it',
    one,
    [one, member('x')],
    { failure: 'x:1 has no sequence number' },
  ],
  [
    'an etcd key that was created first leads',
    undefined,
    [member('x', 'vm-1-10.0.0.1:80@112'), member('y', 'vm-2-10.0.0.2:80@12')],
    { leader: member('y', 'vm-2-10.0.0.2:80@12') },
  ],
  [
    'a port is no number',
    undefined,
    [member('x', 'x_10.0.0.1_80')],
    { failure: 'x:1 has no sequence number' },
  ],
])('%s', (_, previous, members, expected) => {
  expect(elect(previous, members)).toEqual(expected);
});

test('a discovery with a leader yields it alone, and no member where there is none', async () => {
  const discovery = withLeader(async function* () {
    yield [two, one];
    yield [two, one, early];
    yield [two, member('x')];
    yield [two];
  }, silentLog);
  const lists: (readonly Instance[])[] = [];
  for await (const list of discovery(new AbortController().signal)) lists.push(list);
  expect(lists).toEqual([[one], [one], [], [two]]);
});
