import { type Log, silentLog } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import { createDue } from './due.ts';
import { wakesBeside } from './wakes.ts';

const fail = () => {
  throw new Error('a defect');
};

test.concurrent.each([
  ['throws', fail],
  ['rejects', async () => fail()],
])(
  'a part that %s is run again, said once, and holds up neither the other nor what is due',
  async (_, broken) => {
    const error = vi.fn<Log['error']>();
    const due = createDue();
    const ended = new AbortController();
    const runs = { broken: 0, other: 0, woken: 0 };
    const parts = {
      broken: () => {
        runs.broken += 1;
        return broken();
      },
      other: async () => {
        runs.other += 1;
      },
    };
    const following = (async () => {
      for await (const _ of wakesBeside(due, parts, { ...silentLog, error }, ended.signal)) {
        due.collect();
        due.attended();
        runs.woken += 1;
      }
    })();
    due.at('one', performance.now());
    await vi.waitFor(() => expect(runs.woken).toBe(1));
    await vi.waitFor(() => expect(runs.broken).toBe(2), 5_000);
    due.at('another', performance.now());
    await vi.waitFor(() => expect(runs.woken).toBe(2));
    expect(runs.other).toBe(1);
    expect(error).toHaveBeenCalledOnce();
    ended.abort();
    await following;
  },
);
