import { expect, test } from 'vitest';

import type { ServiceConfig } from './config.ts';
import { copiesOf } from './load-test.ts';

const service = (more: object): ServiceConfig =>
  ({
    discovery: { method: 'base' },
    haproxy: { port: 80, listen: ['mode http'] },
    ...more,
  }) as never;

test('a service is itself', () => {
  const plain = service({});
  expect(copiesOf('web', plain)).toEqual([['web', plain]]);
});

test('copies are numbered, and only the first is where apps connect', () => {
  const copies = copiesOf('web', service({ load_test_concurrency: 3 }));
  expect(copies.map(([name, { haproxy }]) => [name, haproxy?.port, haproxy?.listen])).toEqual([
    ['web_0', 80, ['mode http']],
    ['web_1', undefined, ['mode http']],
    ['web_2', undefined, ['mode http']],
  ]);
});
