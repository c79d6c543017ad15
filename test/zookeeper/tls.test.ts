import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Authority, type Identity, startAuthority } from '../support/certificates.ts';
import { openSession, startSession } from '../support/session.ts';
import { type SecureZooKeeper, startSecureZooKeeper } from '../support/zookeeper-tls.ts';

let authority: Authority;
let other: Authority;
let client: Identity;
let stranger: Identity;
let server: SecureZooKeeper;
let port: number;

beforeAll(async () => {
  [authority, other] = await Promise.all([startAuthority(), startAuthority('another')]);
  const own = await authority.issue('server', 'DNS:zookeeper.test', 'IP:127.0.0.1');
  client = await authority.issue('client');
  stranger = await other.issue('stranger');
  server = await startSecureZooKeeper(authority, own);
  port = server.securePort;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

const mutual = () => ({ ca: authority.cert, cert: client.cert, key: client.key });

/** The message of an operation that could not get a connection. */
async function refusal(tls: object, host = `127.0.0.1:${port}`): Promise<string> {
  await using watched = startSession({ hosts: [host], tls });
  const failure = await watched.session.get('/', { deadline: 700 }).catch((error) => error);
  return failure.message;
}

test('mutual TLS: operations, ephemeral nodes and children work as without', async () => {
  await using watched = await openSession({ hosts: [`127.0.0.1:${port}`], tls: mutual() });
  const { session, signal } = watched;
  await session.ephemeral({ path: '/tls/a', data: Buffer.from('1') }, signal);
  expect((await session.get('/tls/a')).data.toString()).toBe('1');
});

test('a server name other than the host is checked instead of it', async () => {
  const tls = { ...mutual(), serverName: 'zookeeper.test' };
  await using watched = await openSession({ hosts: [`127.0.0.1:${port}`], tls });
  expect(watched.session.state).toBe('connected');
});

test('insecure takes any certificate', async () => {
  const { cert, key } = mutual();
  const tls = { cert, key, insecure: true };
  await using watched = await openSession({ hosts: [`localhost:${port}`], tls });
  expect(watched.session.state).toBe('connected');
});

describe('a refusal says which', () => {
  test('of a server whose certificate another authority signed', async () => {
    const message = await refusal({ ...mutual(), ca: other.cert });
    expect(message).toContain("the server's certificate is not signed by a trusted authority");
  });

  test('of a server whose certificate is for another name', async () => {
    const message = await refusal({ ...mutual(), serverName: 'other.test' });
    expect(message).toContain("the server's certificate is for another host name");
    expect(message).toContain('other.test');
  });

  test('by a server that asks for a certificate', async () => {
    const message = await refusal({ ca: authority.cert });
    expect(message).toContain('the server refused our client certificate, or asks for one');
  });

  test('by a server that does not trust our certificate', async () => {
    const message = await refusal({ ...mutual(), cert: stranger.cert, key: stranger.key });
    expect(message).toContain('the server refused our client certificate, or asks for one');
  });

  test('by a server that does not speak TLS', async () => {
    const message = await refusal(mutual(), server.hosts);
    expect(message).toContain('does it speak TLS on this port?');
  });

  test('of a certificate or key that cannot be read', () => {
    const tls = { ...mutual(), key: 'nonsense' };
    expect(() => startSession({ hosts: ['127.0.0.1:1'], tls })).toThrow(
      /^cannot use the TLS certificate and key: /,
    );
  });
});
