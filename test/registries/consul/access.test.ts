import { rename, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startAuthority } from '../../support/certificates.ts';
import { type ConsulAgent, startConsul } from '../../support/consul.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { openView } from './views.ts';

const signal = new AbortController().signal;
const instance = { host: '127.0.0.1', port: 80, name: 'vm-1' };
const form = { ttl: 1_500, deregisterAfter: 60_000, tags: [] };
const master = '11111111-2222-3333-4444-555555555555';

test('tokens come from a file that changes, and what may not be read is unknown', async () => {
  await using scratch = await createScratch();
  await using agent = await startConsul({
    directory: scratch.path('one'),
    name: 'one',
    config: {
      primary_datacenter: 'dc1',
      acl: {
        enabled: true,
        default_policy: 'deny',
        down_policy: 'deny',
        token_ttl: '0s',
        tokens: { master, agent: master },
      },
    },
  });
  await until(() => agent.api('GET', '/v1/acl/tokens', undefined, master));
  await agent.api('PUT', '/v1/acl/policy', policy, master);
  const file = scratch.path('token');
  let current = await newToken(agent);
  await put(file, current.SecretID);
  await using view = openView({ url: agent.url, token_file: file, wait: '1s' }, { owner: 'vm-1' });
  const announcement = await view.registry.announceAs(form, 'web', instance, signal);
  const seen = view.follow('web');
  await until(() => seen.ports() === '80');
  for (let turn = 0; turn < 2; turn += 1) {
    const next = await newToken(agent);
    await put(file, next.SecretID);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await agent.api('DELETE', `/v1/acl/token/${current.AccessorID}`, undefined, master);
    current = next;
  }
  await announcement.update({ ...instance, weight: 3 }, signal);
  await until(() => seen.newest()?.[0]?.weight === 3);
  await agent.api('DELETE', `/v1/acl/token/${current.AccessorID}`, undefined, master);
  await until(() => seen.troubles.at(-1) !== undefined);
  expect(seen.troubles.at(-1)).toMatch(/answered 403: ACL not found/);
  expect(seen.lists.map((list) => list.length)).toEqual([1, 1]);
  await put(file, (await newToken(agent)).SecretID);
  await until(() => seen.troubles.at(-1) === undefined);
  await announcement[Symbol.asyncDispose]();
  await until(() => seen.ports() === '');
});

const policy = {
  Name: 'smartstack',
  Rules:
    'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }',
};
const newToken = (agent: ConsulAgent) =>
  agent.api<{ AccessorID: string; SecretID: string }>(
    'PUT',
    '/v1/acl/token',
    { Policies: [{ Name: policy.Name }] },
    master,
  );

async function put(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, `${text}\n`);
  await rename(`${file}.new`, file);
}

test('TLS, certificates of both sides, and a socket', async () => {
  await using scratch = await createScratch();
  await using authority = await startAuthority();
  const own = await authority.issue('server.dc1.consul', 'IP:127.0.0.1', 'DNS:localhost');
  const machine = await authority.issue('machine');
  const at = async (name: string, text: string) => {
    await writeFile(scratch.path(name), text);
    return scratch.path(name);
  };
  const https = await freePort();
  const socket = scratch.path('consul.sock');
  const http = await freePort();
  await using _agent = await startConsul({
    directory: scratch.path('one'),
    name: 'one',
    config: {
      addresses: { http: `127.0.0.1 unix://${socket}` },
      ca_file: authority.file,
      cert_file: await at('server.pem', own.cert),
      key_file: await at('server.key', own.key),
      verify_incoming_https: true,
      ports: { https, http },
    },
  });
  const url = `https://127.0.0.1:${https}`;
  const tls = {
    ca: authority.file,
    cert: await at('machine.pem', machine.cert),
    key: await at('machine.key', machine.key),
  };
  await using mutual = openView({ url, tls });
  await using local = openView({ url: `unix://${socket}` });
  await using stranger = openView({ url, tls: { ca: authority.file } });
  const [first, second, none] = [mutual, local, stranger].map((view) => view.follow('web'));
  await mutual.registry.announce('web', instance, signal);
  await until(() => first?.ports() === '80' && second?.ports() === '80');
  await until(() => none?.troubles.at(-1) !== undefined);
  expect(none?.lists).toEqual([]);
  await local.registry.announce('web', { ...instance, port: 81 }, signal);
  await until(() => first?.ports() === '80 81');
});
