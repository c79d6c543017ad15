import type { Service } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { createHeld } from './held.ts';

const member = (port: number): Instance => ({ host: '127.0.0.1', port });
const web = (instances: readonly Instance[] | undefined): Service => ({
  name: 'web',
  instances,
  defaults: [member(9)],
  origin: 'synapse.yaml',
});
const snapshot = (...services: readonly Service[]) =>
  new Map(services.map((service) => [service.name, service]));

test('members that were known stay while nobody knows them, and no others', () => {
  const held = createHeld();
  const first = snapshot(web(undefined));
  expect(held(first)).toBe(first);
  const known = snapshot(web([member(1)]));
  expect(held(known)).toBe(known);
  const unknown = web(undefined);
  const kept = held(snapshot(unknown)).get('web');
  expect(kept?.instances).toEqual([member(1)]);
  expect(held(snapshot(unknown)).get('web')).toBe(kept);
  expect(held(snapshot(web([]))).get('web')?.instances).toEqual([]);
});

test('a service that was not there meanwhile begins anew', () => {
  const held = createHeld();
  held(snapshot(web([member(1)])));
  held(snapshot());
  expect(held(snapshot(web(undefined))).get('web')?.instances).toBeUndefined();
});
