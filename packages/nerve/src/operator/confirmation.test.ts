import { expect, test } from 'vitest';

import { waitUntilAnnounced, weightResult } from './confirmation.ts';
import type { RegistryLine, ServiceLine, Status } from './status-lines.ts';

const stands: RegistryLine = {
  registry: 'zookeeper',
  path: '/web',
  announced: true,
  may_stand: true,
  confirmed: true,
  away: false,
};
const gone = { ...stands, announced: false, may_stand: false };
const lineOf = (...registries: readonly RegistryLine[]): ServiceLine => ({
  state: 'up',
  since: '2026-01-01T12:00:00Z',
  because: 'up',
  path: '/web',
  instance: { host: '10.0.0.1', port: 80 },
  announced: registries.some(({ announced }) => announced),
  may_stand: registries.some(({ may_stand: may }) => may),
  confirmed: registries.every(({ confirmed }) => confirmed),
  registries,
});
const statusOf =
  (services: Readonly<Record<string, ServiceLine>>, away = false) =>
  async (): Promise<Status> => ({ instance_id: 'a', registry_away: away, services });
const wait = (status: () => Promise<Status>, announced: boolean) =>
  waitUntilAnnounced(['web', 'api'], announced, { status, limit: 0 }).then(
    () => 'confirmed',
    (error: Error) => error.message,
  );
const inConsul = (line: RegistryLine, keys: Partial<RegistryLine> = {}): RegistryLine => ({
  ...line,
  registry: 'consul',
  ...keys,
});

test.each<[string, boolean, readonly RegistryLine[], boolean, string]>([
  ['gone from the only registry', false, [gone], false, 'confirmed'],
  ['gone from both', false, [gone, inConsul(gone)], false, 'confirmed'],
  ['announced in both', true, [stands, inConsul(stands)], false, 'confirmed'],
  [
    'one that stays in the only registry',
    false,
    [stands],
    false,
    'web: still announced after 0 s; nerve status says why',
  ],
  [
    'the only registry away',
    false,
    [{ ...stands, away: true }],
    true,
    'web: still announced after 0 s: the registry does not answer, so the record may still be used; nerve withdraws it once it does',
  ],
  [
    'one of two away',
    false,
    [gone, inConsul(stands, { away: true })],
    true,
    'web in consul: still announced after 0 s: consul does not answer, so the record may still be used; nerve withdraws it once it does. Confirmed: zookeeper 2 of 2, consul 1 of 2',
  ],
  [
    'one of two that does not take it yet',
    true,
    [stands, inConsul(gone)],
    false,
    'web in consul: still not announced after 0 s; nerve status says why. Confirmed: zookeeper 2 of 2, consul 1 of 2',
  ],
])('%s', async (_, announced, registries, away, expected) => {
  const other = announced ? stands : gone;
  const api = registries.length > 1 ? lineOf(other, inConsul(other)) : lineOf(other);
  expect(await wait(statusOf({ web: lineOf(...registries), api }, away), announced)).toBe(expected);
});

test('a nerve of an earlier version is waited for, too', async () => {
  const { registries: _, ...web } = lineOf(stands);
  expect(await wait(statusOf({ web, api: web }), true)).toBe('confirmed');
  expect(await wait(statusOf({ web, api: web }), false)).toMatch(/^web, api: still announced/);
});

test('a weight that only some registries confirm says where it is in force', async () => {
  const web = lineOf(stands, inConsul(stands, { confirmed: false, away: true }));
  expect(await weightResult('web', 'weight 5', statusOf({ web }, true))).toBe(
    'web has weight 5 in zookeeper; consul does not answer; nerve tries again, and nerve status shows the result',
  );
});
