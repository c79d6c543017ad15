import { readFile, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { runDaemonOn } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

test('docs/operations.md explains every field of both daemons’ status, and no other', async () => {
  await using scratch = await createScratch();
  await using copy = await startCopy('web-1');
  const [ofNerve, ofSynapse, local] = [await freePort(), await freePort(), await freePort()];
  const shared = { registry: { type: 'file', directory: scratch.path('registry') } };
  const write = async (name: string, config: object) => {
    await writeFile(scratch.path(name), stringify({ ...shared, ...config }));
    return scratch.path(name);
  };
  const nerveFile = await write('nerve.yaml', {
    instance_id: 'vm-1',
    state_directory: scratch.path('state'),
    status_address: `127.0.0.1:${ofNerve}`,
    services: {
      web: { host: '127.0.0.1', port: copy.port, checks: [{ type: 'tcp', timeout: 5 }] },
    },
  });
  const synapseFile = await write('synapse.yaml', {
    status_address: `127.0.0.1:${ofSynapse}`,
    haproxy: { run_directory: scratch.path('run'), stats_address: false, on_exit: 'stop' },
    services: { web: { discovery: { method: 'file' }, haproxy: { port: local } } },
  });
  await using _nerve = runDaemonOn('nerve', nerveFile);
  await using _synapse = runDaemonOn('synapse', synapseFile);
  const nerve = await until(
    () => status(ofNerve, ({ services }) => services?.web?.announced),
    30_000,
  );
  const synapse = await until(
    () => status(ofSynapse, ({ proxies }) => proxies?.haproxy?.services?.web?.servers?.length),
    30_000,
  );

  const text = await readFile('docs/operations.md', 'utf8');
  const table = (heading: string) => {
    const [, section = ''] = text.split(`### ${heading}\n`);
    const [rows = ''] = section.split(/^#/m);
    return [...rows.matchAll(/^\| `([\w.*]+)` \|/gm)].map(([, field]) => field).sort();
  };
  expect(table("nerve's")).toEqual(fieldsOf(nerve));
  expect(table("synapse's")).toEqual(fieldsOf(synapse));
});

// biome-ignore lint/suspicious/noExplicitAny: any status at all
type Status = Record<string, any>;

async function status(port: number, done: (status: Status) => unknown): Promise<Status | false> {
  const response = await fetch(`http://127.0.0.1:${port}/status`);
  const body = (await response.json()) as Status;
  return done(body) ? body : false;
}

/** The paths of its fields; the names of services are `*`. */
function fieldsOf(value: Status): readonly string[] {
  const found = Object.entries(value).flatMap(([key, part]) => {
    if (key === 'services')
      return Object.values(part as Status).flatMap((one) => under('services.*', one));
    return key === 'proxies' ? under(key, part) : [key];
  });
  return [...new Set(found)].sort();
}

function under(path: string, value: Status): readonly string[] {
  return Object.entries(value).flatMap(([key, part]) => {
    if (key === 'services' && typeof part === 'object')
      return Object.values(part as Status).flatMap((one) => under(`${path}.services.*`, one));
    return path === 'proxies' ? under(`${path}.${key}`, part) : [`${path}.${key}`];
  });
}
