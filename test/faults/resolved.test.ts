import { createLatest, type Log, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';

import { collect } from '../../packages/synapse/src/discovery/collect.fixture.ts';
import type { Lookup } from '../../packages/synapse/src/discovery/dns/lookup.ts';
import { withAddresses } from '../../packages/synapse/src/discovery/dns/resolved.ts';

const fail = () => {
  throw new Error('a defect');
};
const named = (host: string): Instance => ({ host, port: 1 });

test.each([
  ['throws', fail],
  ['rejects', async () => fail()],
])(
  'a lookup that %s keeps the last answer, is said once, and holds up no other name',
  async (_, broken) => {
    const warn = vi.fn<Log['warn']>();
    const said: (string | undefined)[] = [];
    const lists = createLatest<readonly Instance[]>();
    let fails = false;
    let address = '10.0.0.1';
    const lookup: Lookup = (instance, signal) => {
      if (fails && instance.host === 'bad') return (broken as Lookup)(instance, signal);
      return Promise.resolve({ instances: [{ ...instance, host: address }], ttl: 0 });
    };
    const found = collect(
      withAddresses((signal) => lists.values(signal), {
        lookup,
        interval: 0,
        onTrouble: (reason) => said.push(reason),
        log: { ...silentLog, warn },
      }),
    );
    lists.set([named('bad'), named('good')]);
    await vi.waitFor(() => expect(found.newest()).toEqual([' 10.0.0.1:1', ' 10.0.0.1:1']));
    [fails, address] = [true, '10.0.0.2'];
    await vi.waitFor(() => expect(found.newest()).toEqual([' 10.0.0.1:1', ' 10.0.0.2:1']), 5_000);
    await vi.waitFor(() => expect(said.length).toBeGreaterThan(3), 5_000);
    expect(said.slice(0, 4)).toEqual([
      undefined,
      'bad: a defect',
      'bad: a defect',
      'bad: a defect',
    ]);
    expect(warn).toHaveBeenCalledOnce();
    fails = false;
    await vi.waitFor(() => expect(found.newest()).toEqual([' 10.0.0.2:1', ' 10.0.0.2:1']), 5_000);
    expect(said.at(-1)).toBeUndefined();
  },
);
