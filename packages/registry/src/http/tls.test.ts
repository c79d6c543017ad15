import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import { silentLog } from '@smartstack/daemon';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { type TlsSection, tlsSchema } from '../tls.ts';
import { createHttpClient } from './client.ts';
import { createTlsFiles } from './tls-material.ts';

const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'http-tls-'));
const at = (name: string) => join(folder, name);
let url: URL;
const server = { close: () => {} };

beforeAll(async () => {
  for (const name of ['server', 'one', 'two']) makeCertificate(name);
  const clients = ['one', 'two'].map((name) => readFileSync(at(`${name}.pem`)));
  const https = createServer(
    {
      key: readFileSync(at('server.key')),
      cert: readFileSync(at('server.pem')),
      ca: clients,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.end(JSON.stringify(subject?.CN ?? 'nobody'));
    },
  );
  await once(https.listen(0, '127.0.0.1'), 'listening');
  url = new URL(`https://127.0.0.1:${(https.address() as AddressInfo).port}`);
  server.close = () => {
    https.closeAllConnections();
    https.close();
  };
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function makeCertificate(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:registry.example'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
  execFileSync('openssl', ['req', '-x509', ...key, ...files, '-days', '2', ...subject], {
    stdio: 'pipe',
  });
}

function clientOf(section: Partial<TlsSection>, pause?: number) {
  const tls = createTlsFiles(tlsSchema.parse(section), silentLog, pause);
  const client = createHttpClient({ url, tls });
  onTestFinished(() => client[Symbol.dispose]());
  return async () => (await client.json({ path: '/' }, signal)).body;
}

test("a server's certificate and name are checked, unless that is turned off", async () => {
  await expect(clientOf({})()).rejects.toThrow('self-signed certificate');
  await expect(clientOf({ ca: at('server.pem') })()).rejects.toThrow('does not match');
  const named = { ca: at('server.pem'), server_name: 'registry.example' };
  expect(await clientOf(named)()).toBe('nobody');
  expect(await clientOf({ insecure: true })()).toBe('nobody');
});

test('a certificate is shown, and the next one once its files have changed; bad files keep the last good', async () => {
  const [cert, key] = [at('own.pem'), at('own.key')];
  const copy = (name: string) => {
    copyFileSync(at(`${name}.pem`), cert);
    copyFileSync(at(`${name}.key`), key);
  };
  copy('one');
  const section = { ca: at('server.pem'), server_name: 'registry.example', cert, key };
  const ask = clientOf(section, 100);
  expect(await ask()).toBe('one');
  copyFileSync(at('two.pem'), cert);
  await new Promise((resolve) => setTimeout(resolve, 110));
  expect(await ask()).toBe('one');
  copy('two');
  await expect.poll(ask, { timeout: 3000 }).toBe('two');
});

test('a file without a certificate is an error that names it', async () => {
  writeFileSync(at('bad.pem'), 'no certificate');
  await expect(clientOf({ ca: at('bad.pem') })()).rejects.toThrow(
    `cannot use ${at('bad.pem')}: no certificate in PEM form`,
  );
});

test.each([
  [{ cert: '/a.pem' }, [['cert'], 'needs its key']],
  [{ key: '/a.key' }, [['key'], 'needs its cert']],
])('%j is refused: it would be shown to nobody', (section, [path, message]) => {
  const issues = tlsSchema.safeParse(section).error?.issues ?? [];
  expect(issues.map((issue) => [issue.path, issue.message])).toEqual([[path, message]]);
});
