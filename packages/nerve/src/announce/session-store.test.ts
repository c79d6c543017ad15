import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { openSessionStore } from './session-store.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sessions-'));
  file = join(directory, 'sessions.json');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const tickets = {
  'z:1': { sessionId: '0123456789abcdef', password: 'ff'.repeat(16), paths: ['/a'] },
};
const open = () => openSessionStore(directory, silentLog);
const noted = async () => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;

test('what one nerve noted is the next one’s, readable by their user alone', async () => {
  await (await open()).save(tickets);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await open()).tickets).toEqual(tickets);
});

test('agents of Consul are the next one’s, also after a restart of the machine', async () => {
  const section = { url: 'http://127.0.0.1:8500', token_file: '/etc/token' };
  const agent = { section, day: 20_000 };
  await (await open()).save({}, [agent]);
  await writeFile(file, JSON.stringify({ ...(await noted()), machine: 'a before' }));
  expect((await open()).agents).toMatchObject([agent]);
  await writeFile(
    file,
    JSON.stringify({ ...(await noted()), agents: [{ section: { url: 'x' }, day: 1 }] }),
  );
  expect((await open()).agents).toEqual([]);
  // As earlier versions wrote it.
  await writeFile(file, JSON.stringify({ ...(await noted()), agents: undefined }));
  expect((await open()).agents).toEqual([]);
});

test('nothing is left after a clear', async () => {
  const store = await open();
  await store.save(tickets);
  await store.clear();
  expect((await open()).tickets).toEqual({});
});

test.each([
  ['another machine', { machine: 'elsewhere 1' }],
  ['a start of this machine before', { machine: `${hostname()} before` }],
])('what was noted on %s is worth nothing', async (_, change) => {
  await (await open()).save(tickets);
  await writeFile(file, JSON.stringify({ ...(await noted()), ...change }));
  expect((await open()).tickets).toEqual({});
});

test('a process that lives keeps its sessions, until it has ended', async () => {
  await (await open()).save(tickets);
  const other = execa('sleep', ['60'], { reject: false });
  const started = (await readFile(`/proc/${other.pid}/stat`, 'utf8')).split(' ')[21];
  await writeFile(file, JSON.stringify({ ...(await noted()), pid: other.pid, started }));
  const store = await open();
  expect(store.tickets).toEqual({});
  await store.save({});
  await store.clear();
  expect(await noted()).toMatchObject({ pid: other.pid, tickets });
  other.kill('SIGKILL');
  await other;
  await store.save({});
  expect(await noted()).toMatchObject({ pid: process.pid, tickets: {} });
});

test('another process that has the number of one that died has nothing to do with its sessions', async () => {
  await (await open()).save(tickets);
  await writeFile(file, JSON.stringify({ ...(await noted()), pid: process.ppid, started: '1' }));
  expect((await open()).tickets).toEqual(tickets);
});

test('what could not be written is written once it can', async () => {
  await rm(directory, { recursive: true });
  await writeFile(directory, '');
  const store = await open();
  await store.save(tickets);
  await rm(directory);
  await store.save(tickets);
  expect(await noted()).toMatchObject({ tickets });
});
