import { createLatest } from '@smartstack/daemon';
import { expect, onTestFinished, test, vi } from 'vitest';

import type { RegistryConfig } from '../discovery.ts';
import { createChosen, followChosen } from './chosen.ts';

function follow() {
  const [one, other] = [createLatest<RegistryConfig>(), createLatest<RegistryConfig>()];
  const chosen = createChosen();
  const ended = new AbortController();
  const said: RegistryConfig[] = [];
  const watchers = new Map([
    ['one', (signal: AbortSignal) => one.values(signal)],
    ['other', (signal: AbortSignal) => other.values(signal)],
  ]);
  const running = (async () => {
    for await (const overrides of followChosen(watchers, chosen)(ended.signal))
      said.push(overrides);
  })();
  onTestFinished(async () => {
    ended.abort();
    await running;
  });
  return { one, other, chosen, said };
}

test('of watchers that count together, each key is as the first that has it says', async () => {
  const { one, other, chosen, said } = follow();
  chosen.note(['one', 'file', 'other']);
  one.set({ haproxy: { backend_order: 'asc' } });
  other.set({ haproxy: { backend_order: 'desc', server_port_override: 9 } });
  await vi.waitFor(() =>
    expect(said).toEqual([{ haproxy: { backend_order: 'asc', server_port_override: 9 } }]),
  );
  one.set({});
  await vi.waitFor(() =>
    expect(said.at(-1)).toEqual({ haproxy: { backend_order: 'desc', server_port_override: 9 } }),
  );
});

test('nothing is yielded before the watchers that count have answered; another choice keeps the result until then', async () => {
  const { one, other, chosen, said } = follow();
  one.set({ haproxy: { backend_order: 'asc' } });
  chosen.note(['one']);
  await vi.waitFor(() => expect(said).toEqual([{ haproxy: { backend_order: 'asc' } }]));
  chosen.note(['other']);
  other.set({ haproxy: { backend_order: 'desc' } });
  await vi.waitFor(() => expect(said.at(-1)).toEqual({ haproxy: { backend_order: 'desc' } }));
  expect(said).toHaveLength(2);
  chosen.note(['file']);
  await vi.waitFor(() => expect(said.at(-1)).toEqual({}));
});

test('a choice is not forgotten when it is followed again after a failure', async () => {
  const chosen = createChosen();
  chosen.note(['one']);
  for (let time = 0; time < 2; time++)
    for await (const names of chosen.values(new AbortController().signal)) {
      expect(names).toEqual(['one']);
      break;
    }
});
