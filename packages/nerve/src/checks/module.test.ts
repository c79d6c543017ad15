import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProbe } from './probe.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

let directory: string;
let count = 0;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'module-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function create(text: string, keys: object = {}) {
  // Node.js loads a file once only, whatever becomes of it.
  const file = `./own-${count++}.mjs`;
  await writeFile(join(directory, file), text);
  const config = checkSchema.parse({ type: 'module', module: file, ...keys });
  return createCheck(config, {
    service: 'web',
    host: '10.0.0.1',
    port: 80,
    directory,
    ttlReports: createTtlReports(),
  });
}
const { signal } = new AbortController();

test('a module that resolves passes; one that rejects fails for its reason', async () => {
  const check = await create(
    `let count = 0;
     export const create = () => async () => { if (count++) throw new Error('worn out'); };`,
  );
  await check.run(signal);
  await expect(check.run(signal)).rejects.toThrow('worn out');
});

test('it gets its options and its service', async () => {
  const check = await create(
    'export const create = (...given) => async () => { throw new Error(JSON.stringify(given)); };',
    { options: { a: 1 }, port: 81 },
  );
  await expect(check.run(signal)).rejects.toThrow(
    '[{"a":1},{"service":"web","host":"10.0.0.1","port":81}]',
  );
});

test('its own schema may refuse the options', async () => {
  const text = `export const schema = { parse() { throw new Error('no option b'); } };
    export const create = () => async () => {};`;
  await expect(create(text, { options: { b: 1 } })).rejects.toThrow('no option b');
});

test('what is no check is refused', async () => {
  await expect(create('export default 1;')).rejects.toThrow(
    /^cannot use \.\/own-\d+\.mjs as a check: it exports no create function$/,
  );
  await expect(create('syntax error')).rejects.toThrow(/^cannot load \.\/own-\d+\.mjs: /);
});

test('one that does not heed its signal is held to its deadline, and not started twice', async () => {
  const check = await create('export const create = () => () => new Promise(() => {});');
  const probe = createProbe(check, 50, signal);
  expect((await probe()).reason).toBe('no answer within 50 ms');
  expect((await probe()).reason).toBe('the run before has not ended yet');
});

test('it gets a signal that aborts at the deadline', async () => {
  const check = await create(
    `export const create = () => (signal) => new Promise((_, reject) =>
       signal.addEventListener('abort', () => reject(new Error('heeded'))));`,
  );
  const probe = createProbe(check, 50, signal);
  await probe();
  expect((await probe()).reason).toMatch(/heeded|no answer/);
});
