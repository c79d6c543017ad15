import { expect, test } from 'vitest';

import { traitsOf } from '../render/traits.ts';
import { capabilitiesOf } from '../render/version.ts';
import { leavingUntil } from './leaving.ts';
import { state } from './server-state.fixture.ts';
import { prepare } from './work.ts';

test.each([
  ['unused', new Map([['a', 0]]), 1],
  ['in use', new Map([['a', 1]]), 0],
  ['not looked at since it became due', undefined, 0],
])('a server that left and is %s', (_, used, deletions) => {
  const options = { serverOptions: '', capabilities: capabilitiesOf('2.6.12') };
  const deadline = performance.now() + 60_000;
  const actual = [state('a')];
  const { steps } = prepare(
    {
      service: 'web',
      backend: 'web',
      traits: traitsOf([], [], options),
      desired: [],
      fallback: [],
      drainTimeout: 60_000,
    },
    { actual, used },
    {
      memory: {
        told: new Map(),
        ids: new Map([['a', 1]]),
        leaving: new Map([['a', { ...leavingUntil(deadline), next: performance.now() }]]),
        byOperator: new Map(),
        states: actual,
        inStep: [],
      },
      file: undefined,
      left: [],
    },
    { maxId: 100, parkTime: undefined },
  );
  expect(steps.filter(({ kind }) => kind === 'delete')).toHaveLength(deletions);
});
