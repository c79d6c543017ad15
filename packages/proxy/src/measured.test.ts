import { expect, test } from 'vitest';

import {
  type Measured,
  type MeasuredRoute,
  type MeasuredServer,
  together,
  withRoutes,
} from './measured.ts';

const part = (more: Partial<Measured> = {}): Measured => ({
  mode: 'http',
  requests: 1,
  errors: 0,
  average: undefined,
  slowest: undefined,
  longest: undefined,
  retries: 1,
  redispatches: 1,
  queued: 0,
  routes: [],
  ejections: undefined,
  servers: new Map(),
  ...more,
});
const server = (status: string, more: Partial<MeasuredServer> = {}): MeasuredServer => ({
  name: 'a',
  address: '10.0.0.1:80',
  status,
  since: 0,
  reason: '',
  ...more,
});
const servers = (one: MeasuredServer) => new Map([[one.name, one]]);
const route = (name: string, requests: number): MeasuredRoute => ({
  name,
  requests,
  errors: { '4xx': 0, '5xx': requests / 10 },
  buckets: [],
});

test('a server that one part ejected is ejected, whatever the others say', () => {
  const ejected = { since: 0, why: 'errors', time: 1000 };
  const [up, down, out] = [server('UP'), server('DOWN'), server('DOWN', { ejected })];
  const statusOf = (...all: readonly MeasuredServer[]) =>
    together(all.map((one) => part({ servers: servers(one) }))).servers.get('a');
  expect(statusOf(up, out, server('no check'))).toBe(out);
  expect(statusOf(out, down)).toBe(out);
  expect(statusOf(up, down, server('no check'))).toBe(down);
  expect(statusOf(up, server('no check'))).toBe(up);
});

test('what was counted of routes counts for the service, its own answers too', () => {
  const counted = withRoutes(part(), [route('a', 10), route('rest', 20)]);
  expect(counted).toMatchObject({ requests: 30, errors: 3 });
  const all = together([counted, part({ requests: 7, ejections: 2 }), part({ ejections: 1 })]);
  expect(all).toMatchObject({ requests: 30, errors: 3, retries: 3, redispatches: 3, ejections: 3 });
  expect(together([part(), part()]).ejections).toBe(undefined);
});
