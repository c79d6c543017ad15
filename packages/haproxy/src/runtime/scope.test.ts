import { expect, test } from 'vitest';

import type { Server } from '../render/server.ts';
import { leavingUntil } from './leaving.ts';
import type { Memory } from './memory.ts';
import { scopeOf } from './scope.ts';
import { server, state } from './server-state.fixture.ts';
import type { ServerState } from './server-state.ts';

const [a, b, c] = [server('a'), server('b'), server('c')];
const states = [state('a'), state('b')];

function scoped(more: {
  readonly memory?: Partial<Memory>;
  readonly desired?: readonly Server[] | undefined;
  readonly actual?: readonly ServerState[];
}) {
  const memory: Memory = {
    told: new Map(),
    ids: new Map(),
    leaving: new Map(),
    byOperator: new Map(),
    states,
    inStep: [a, b],
    ...more.memory,
  };
  const scope = scopeOf(memory, { desired: [a, b], actual: states, ...more });
  return [scope.desired?.map(({ name }) => name), scope.actual.map(({ name }) => name)];
}

const all = [
  ['a', 'b'],
  ['a', 'b'],
];

test.each([
  ['nothing changed', {}, [[], []]],
  ['who joined', { desired: [a, b, c] }, [['c'], []]],
  ['who left', { desired: [a] }, [[], ['b']]],
  ['another weight', { desired: [a, server('b', { weight: 3 })] }, [['b'], ['b']]],
  ['the same, made anew', { desired: [a, server('b')] }, [['b'], ['b']]],
  [
    'one was put into maintenance by hand',
    { actual: [state('a', { maintenance: true }), state('b')] },
    [['a'], ['a']],
  ],
  ['one was deleted by hand', { actual: [state('a')] }, [['b'], []]],
  ['one was added by hand', { actual: [...states, state('c')] }, [[], ['c']]],
  [
    'its checks say another thing',
    { actual: [state('a', { operational: 'stopped' }), state('b')] },
    [[], []],
  ],
  [
    'one leaves',
    { desired: [a], memory: { inStep: [a], leaving: new Map([['b', leavingUntil(0)]]) } },
    [[], ['b']],
  ],
  ['one is made anew', { memory: { leaving: new Map([['b', leavingUntil(0, true)]]) } }, all],
  ['other options', { desired: [a, server('b', { options: 'check' })] }, all],
  ['it was never in step', { memory: { inStep: undefined } }, all],
])('%s', (_, situation, scope) => {
  expect(scoped(situation)).toEqual(scope);
});

test('members that are unknown', () => {
  expect(scoped({ desired: undefined })).toEqual([undefined, ['a', 'b']]);
});
