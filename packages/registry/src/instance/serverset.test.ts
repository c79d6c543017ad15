import { expect, test } from 'vitest';

import { encodeInstance, type Instance } from './instance.ts';
import {
  decodeEither,
  encodeServerset,
  type ServersetForm,
  serversetDecoder,
} from './serverset.ts';

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

const web: Instance = {
  host: '10.0.0.1',
  port: 80,
  name: 'vm-1',
  weight: 3,
  labels: { az: 'a' },
  haproxyServerOptions: 'backup',
};

test('a record has the fields that Finagle and Prometheus read, of the types that they expect', () => {
  const record = encodeServerset(web, { endpointName: 'admin', shard: 2 });
  const address = { host: '10.0.0.1', port: 80 };
  expect(JSON.parse(record.toString())).toMatchObject({
    serviceEndpoint: address,
    additionalEndpoints: { admin: address },
    status: 'ALIVE',
    shard: 2,
  });
  expect(JSON.parse(encodeServerset(web, {}).toString())).toMatchObject({
    additionalEndpoints: {},
  });
  expect(encodeServerset(web, {}).toString()).not.toContain('shard');
});

test.each<[ServersetForm, string | undefined]>([
  [{}, undefined],
  [{ shard: 0 }, undefined],
  [{ endpointName: 'admin' }, undefined],
  [{ endpointName: 'admin', shard: 7 }, 'admin'],
  [{ endpointName: 'toString' }, 'toString'],
])('what is encoded with %j is read with endpoint %s as the same instance', (form, endpoint) => {
  const record = encodeServerset(web, form);
  expect(serversetDecoder(endpoint)(id, record)).toEqual({ ...web, id });
});

test('an IPv6 address and an instance without a name survive', () => {
  const plain: Instance = { host: 'fd00::1', port: 80 };
  expect(serversetDecoder()(id, encodeServerset(plain, { shard: 4 }))).toEqual({
    ...plain,
    name: '4',
    id,
  });
  expect(serversetDecoder()(id, encodeServerset(plain, {}))).toEqual({ ...plain, id });
});

test("nerve's own records are read in either form, and others are refused", () => {
  expect(decodeEither(id, encodeInstance(web))).toEqual({ ...web, id });
  expect(decodeEither(id, encodeServerset(web, {}))).toEqual({ ...web, id });
  expect(decodeEither(id, Buffer.from('[]'))).toMatchObject({ reason: 'no server set member' });
});

test('a member of others cannot choose its address by other fields', () => {
  expect(decode({ ...member, host: '6.6.6.6', port: 1 })).toMatchObject({
    host: '10.0.0.1',
    port: 31943,
  });
});

test('a member that nests too deeply is a bad record', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const record = `{"serviceEndpoint":{"host":"a","port":1},"labels":${deep}}`;
  expect(decodeEither(id, Buffer.from(record))).toEqual({ id, reason: 'nested too deeply' });
});
