import { createJournal, createMetrics } from '@smartstack/daemon';
import type { ProxyDriver, Refused, Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';
import type { Held } from '../discovery/policies/shrink-guard.ts';
import { createRecorder } from './journal.ts';
import { observed } from './observed.ts';

const never = new AbortController().signal;
const service = (name: string, hosts: readonly string[] | undefined): Service => ({
  name,
  instances: hosts?.map((host): Instance => ({ host, port: 1 })),
  defaults: [],
  origin: 'x',
});
const snapshot = (...services: readonly Service[]): Snapshot =>
  new Map(services.map((each) => [each.name, each]));

function story() {
  const journal = createJournal();
  const metrics = createMetrics();
  let held: Held | undefined;
  let seen = 0;
  const recorder = createRecorder({ journal, metrics, held: () => held });
  return {
    metrics,
    hold: (now: Held | undefined) => {
      held = now;
    },
    apply: async (...services: readonly Service[]) => {
      await recorder.apply(snapshot(...services), never);
      const fresh = journal.after(seen);
      seen = fresh.at(-1)?.id ?? seen;
      return fresh.map(({ kind, service: name, text }) => `${kind} ${name ?? '-'}: ${text}`);
    },
  };
}

test('who joined and left is noted, after a start that says how many there are', async () => {
  const { apply, metrics } = story();
  expect(await apply(service('web', ['a']), service('db', undefined))).toEqual([
    'started -: 2 services with 1 member, 1 no answer yet',
  ]);
  expect(await apply(service('web', ['b', 'c']), service('db', ['d']))).toEqual([
    'left web: a:1',
    'joined web: b:1, c:1',
    'heard db: 1 member',
    'joined db: d:1',
  ]);
  expect((await metrics.text()).body).toContain('synapse_service_members{service="web"} 2');
});

test('a thousand that join are one event', async () => {
  const { apply } = story();
  await apply(service('web', []));
  const many = Array.from({ length: 1000 }, (_, index) => `m${index}`);
  expect(await apply(service('web', many))).toEqual(['joined web: m0:1, m1:1, m2:1 and 997 more']);
});

test('services that come and go are noted, and their numbers go with them', async () => {
  const { apply, metrics } = story();
  const web = service('web', ['a']);
  await apply(web);
  expect(await apply(web, service('db', []))).toEqual(['added db: is followed from now on']);
  expect(await apply(service('db', []))).toEqual(['removed web: is no longer followed']);
  expect((await metrics.text()).body).not.toContain('service="web"');
});

test('a loss that is held back is noted once, and its end', async () => {
  const { apply, hold } = story();
  await apply(service('web', ['a', 'b']));
  hold({ members: [{ host: 'b', port: 1 }], until: 5 });
  expect(await apply(service('web', ['a', 'b']))).toEqual([
    'held web: no longer announced, but served on: b:1',
  ]);
  expect(await apply(service('web', ['a', 'b']))).toEqual([]);
  hold(undefined);
  expect(await apply(service('web', ['a']))).toEqual([
    'left web: b:1',
    'released web: the loss is no longer held back',
  ]);
});

test('reloads, failures and what is refused are noted, each once', async () => {
  const journal = createJournal();
  let refused: readonly Refused[] = [];
  let outcome: 'reloaded' | 'updated' | Error = 'reloaded';
  const driver = observed(
    {
      name: 'haproxy',
      apply: async () => {
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      refused: () => refused,
    } as unknown as ProxyDriver,
    journal,
  );
  const apply = () => driver.apply(new Map(), never).catch(() => undefined);
  await apply();
  refused = [{ owner: 'web', reason: 'bad line', since: '', lastGood: false }];
  outcome = new Error('socket is gone');
  await apply();
  await apply();
  refused = [];
  outcome = 'updated';
  await apply();
  expect(journal.after(0).map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
    'reloaded: haproxy runs a new file',
    'failed: socket is gone',
    'refused: bad line',
    'in step: haproxy',
    'accepted: no longer refused',
  ]);
});
