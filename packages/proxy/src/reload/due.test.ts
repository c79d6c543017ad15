import { describe, expect, test, vi } from 'vitest';

import { createDue } from './due.ts';

describe('due', () => {
  test('yields when something is due, and again only after it was attended to', async () => {
    const due = createDue();
    const ended = new AbortController();
    const woken: number[] = [];
    const waking = (async () => {
      for await (const _ of due.wakes(ended.signal)) {
        woken.push(performance.now());
        expect([...due.collect()]).toEqual([woken.length === 1 ? 'soon' : 'later']);
        if (woken.length === 2) ended.abort();
        due.attended();
      }
    })();
    const start = performance.now();
    due.at('later', start + 60);
    due.at('soon', start + 20);
    await waking;
    expect(woken[0]).toBeGreaterThanOrEqual(start + 20);
    expect(woken[1]).toBeGreaterThanOrEqual(start + 60);
  });

  test('a clock that is set back delays nothing', () => {
    const due = createDue();
    due.at('audit', performance.now());
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      expect([...due.collect()]).toEqual(['audit']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('keeps the earlier of two times for one name', () => {
    const due = createDue();
    due.at('file', performance.now());
    due.at('file', performance.now() + 10_000);
    expect([...due.collect()]).toEqual(['file']);
    expect([...due.collect()]).toEqual([]);
  });

  test('does not spin while work that is due is not attended to', async () => {
    const due = createDue();
    due.at('reload', 0);
    const wakes = due.wakes(AbortSignal.timeout(100));
    let count = 0;
    for await (const _ of wakes) count += 1;
    expect(count).toBe(1);
  });
});
