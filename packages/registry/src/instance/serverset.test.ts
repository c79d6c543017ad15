import { expect, test } from 'vitest';

import { serversetDecoder } from './serverset.ts';

const member = {
  serviceEndpoint: { host: '10.0.0.1', port: 31943 },
  additionalEndpoints: { admin: { host: '10.0.0.1', port: 31944 } },
  shard: 0,
  status: 'ALIVE',
};
const id = 'member_0000000001';
const decode = (value: unknown, endpoint?: string) =>
  serversetDecoder(endpoint)(id, Buffer.from(JSON.stringify(value)));

test('the service endpoint is the instance, and its shard the name', () => {
  expect(decode(member)).toEqual({ host: '10.0.0.1', port: 31943, name: '0', id });
});

test('a named endpoint is the instance', () => {
  expect(decode(member, 'admin')).toEqual({ host: '10.0.0.1', port: 31944, name: '0', id });
});

test('shard and status may be missing', () => {
  expect(decode({ serviceEndpoint: { host: 'a', port: 1 } })).toEqual({ host: 'a', port: 1, id });
});

test.each<[unknown, string | undefined, string]>([
  [member, 'http', 'no endpoint http'],
  [member, 'toString', 'no endpoint toString'],
  ...['STARTING', 'STOPPING', 'DEAD'].map((status): [unknown, undefined, string] => [
    { ...member, status },
    undefined,
    `not alive: ${status}`,
  ]),
  [{ ...member, serviceEndpoint: { host: 'a', port: 0 } }, undefined, 'no port'],
])('%j with endpoint %s is no member, and no fault: %s', (value, endpoint, reason) => {
  expect(decode(value, endpoint)).toEqual({ id, reason, isUsual: true });
});

test("Finagle's vectors beside the members are no members, and no fault", () => {
  const data = Buffer.from('{"vector":[{"select":"inet=10.1.0.1","weight":1.0,"priority":1}]}');
  expect(serversetDecoder()('vector_0000000005', data)).toMatchObject({ isUsual: true });
});

test.each([
  [{ ...member, serviceEndpoint: null }, undefined, 'no endpoint serviceEndpoint'],
  [{ ...member, serviceEndpoint: { host: 'a b', port: 1 } }, undefined, 'bad host'],
  [[], undefined, 'no server set member'],
  [5, undefined, 'no server set member'],
])('%j with endpoint %s is refused: %s', (value, endpoint, reason) => {
  expect(decode(value, endpoint)).toEqual({ id, reason });
});
