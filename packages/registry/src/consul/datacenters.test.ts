import { createLatest, type Latest } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import { badRecordsOf, withBadRecords } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';
import { followDatacenters } from './datacenters.ts';

type List = readonly Instance[];
const of = (...ports: number[]): List => ports.map((port) => ({ host: '10.0.0.1', port }));

/** Two datacenters, whose lists and troubles the test says. */
function follow() {
  const ended = new AbortController();
  const lists: Record<string, Latest<List>> = { dc1: createLatest(), dc2: createLatest() };
  const notes: Record<string, (reason: string | undefined) => void> = {};
  const seen: List[] = [];
  const troubles: string[] = [];
  const parts = ['dc1', 'dc2'].map((name) => ({
    name,
    follow: (note: (reason: string | undefined) => void, signal: AbortSignal) => {
      notes[name] = note;
      return (lists[name] as Latest<List>).values(signal);
    },
  }));
  const note = (reason: string | undefined, part: string) =>
    void troubles.push(`${part}: ${reason}`);
  const running = (async () => {
    for await (const list of followDatacenters(parts, note, ended.signal)) seen.push(list);
  })();
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
  return {
    seen,
    troubles,
    ports: () => seen.map((list) => list.map(({ port }) => port).join(' ')),
    say: async (name: string, list: List) => {
      lists[name]?.set(list);
      await turn();
    },
    fail: async (name: string, reason: string | undefined) => {
      notes[name]?.(reason);
      await turn();
    },
    end: async () => {
      ended.abort();
      await running;
    },
  };
}

test('the first datacenter with members counts, and nothing is said before it has answered', async () => {
  const { say, ports, end } = follow();
  await say('dc2', of(2));
  expect(ports()).toEqual([]);
  await say('dc1', of(1));
  await say('dc2', of(2, 3));
  await say('dc1', of());
  await say('dc1', of(1));
  expect(ports()).toEqual(['1', '2 3', '1']);
  await end();
});

test('one that has never answered and fails makes room for the next; a later failure changes nothing', async () => {
  const { say, fail, ports, troubles, end } = follow();
  await say('dc2', of(2));
  await fail('dc1', 'No path to datacenter');
  await vi.waitFor(() => expect(ports()).toEqual(['2']));
  await fail('dc1', undefined);
  await say('dc1', of(1));
  await fail('dc1', 'answered 500');
  expect(ports()).toEqual(['2', '1']);
  expect(troubles[0]).toBe('datacenter dc1: No path to datacenter');
  await end();
});

test('that there is no member anywhere is known once all have answered', async () => {
  const { say, fail, ports, seen, end } = follow();
  const bad = { id: 'a', reason: 'critical: check "web"', isUsual: true } as const;
  await say('dc1', withBadRecords(of(), [bad]));
  await fail('dc2', 'No path to datacenter');
  expect(ports()).toEqual([]);
  await say('dc2', of());
  expect(ports()).toEqual(['']);
  expect(badRecordsOf(seen[0] ?? [])).toEqual([bad]);
  await end();
});
