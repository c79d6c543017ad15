import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { decodeInstance, isBadRecord } from '@smartstack/registry';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { haproxySchema, haproxyServiceSchema } from '../../packages/haproxy/src/config/config.ts';
import { policyFiles } from '../../packages/haproxy/src/policy/files.ts';
import { judge, placesOf } from '../../packages/haproxy/src/reload/judge.ts';
import { capabilitiesOf } from '../../packages/haproxy/src/render/version.ts';
import { render } from '../../packages/haproxy/src/status/preview.ts';
import type { Service } from '../../packages/proxy/src/service.ts';
import { program } from '../support/haproxy.ts';
import { createScratch } from '../support/scratch.ts';

/**
 * Each file: YAML as users write it (`members` stand for what the registry holds), a line of dashes,
 * then the file that HAProxy runs or the errors. `UPDATE_GOLDEN=1` writes what comes out today.
 */
const folder = join(import.meta.dirname, 'golden');
const separator = '\n----------\n';

describe('golden files', () => {
  test.each(readdirSync(folder))('%s', async (name) => {
    const path = join(folder, name);
    const [input = '', expected] = readFileSync(path, 'utf8').split(separator);
    const outcome = await outcomeOf(input);
    if (process.env.UPDATE_GOLDEN) writeFileSync(path, `${input}${separator}${outcome}`);
    else expect(outcome).toBe(expected);
  });
});

interface Input {
  readonly haproxy?: unknown;
  readonly services: Readonly<
    Record<string, { readonly haproxy: unknown; readonly members?: readonly unknown[] }>
  >;
}

async function outcomeOf(text: string): Promise<string> {
  const input = parse(text) as Input;
  const top = haproxySchema.safeParse(input.haproxy ?? {});
  if (!top.success) return errorsOf('haproxy', top.error);
  const services: Service[] = [];
  for (const [name, { haproxy, members }] of Object.entries(input.services)) {
    const section = haproxyServiceSchema.safeParse(haproxy);
    if (!section.success) return errorsOf(`services.${name}.haproxy`, section.error);
    const instances = (members ?? [])
      .map((one) => decodeInstance('id', Buffer.from(JSON.stringify(one))))
      .flatMap((one) => (isBadRecord(one) ? [] : [one]));
    const own = { haproxy: section.data };
    services.push({ name, instances, defaults: [], own, origin: name });
  }
  const managed = top.data.reload_command === undefined;
  const settings = {
    config: top.data,
    around: {
      socket: managed ? '/tmp/synapse/haproxy.sock' : [top.data.socket_file_path].flat()[0],
      stateFile: managed ? '/tmp/synapse/servers.state' : undefined,
      maxconn: managed ? (top.data.maxconn ?? 4096) : undefined,
      account: undefined,
    },
    files: policyFiles('/run/synapse/haproxy.cfg'),
    capabilities: capabilitiesOf('2.6.12'),
    stats:
      managed && top.data.stats_address !== false
        ? { address: top.data.stats_address, exporter: true }
        : undefined,
  };
  const signal = new AbortController().signal;
  const snapshot = new Map(services.map((service) => [service.name, service]));
  const { layout, file } = await render(settings, snapshot, signal);
  await using scratch = await createScratch();
  const objections = await judge(
    layout,
    file,
    {
      candidate: scratch.path('haproxy.cfg'),
      check: { binary: program, timeout: 10_000 },
      held: placesOf(layout.sections),
      pid: undefined,
    },
    signal,
  ).catch((error: unknown) => [{ owner: 'haproxy', reason: (error as Error).message }]);
  if (objections.length === 0) return file.text;
  return objections
    .map(({ owner, reason }) => `error: ${owner}: ${reason.replaceAll(scratch.directory, '')}\n`)
    .join('');
}

function errorsOf(
  prefix: string,
  error: { readonly issues: readonly { path: PropertyKey[]; message: string }[] },
): string {
  return error.issues
    .map(({ path, message }) => `error: ${[prefix, ...path].join('.')}: ${message}\n`)
    .join('');
}
