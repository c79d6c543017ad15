import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { decodeInstance, isBadRecord } from '@smartstack/registry';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { createExpansion } from '../../packages/haproxy/src/backends/expand.ts';
import { haproxySchema, haproxyServiceSchema } from '../../packages/haproxy/src/config/config.ts';
import { withAddress } from '../../packages/haproxy/src/config/neutral.ts';
import { policyFiles } from '../../packages/haproxy/src/policy/files.ts';
import { judge, placesOf } from '../../packages/haproxy/src/reload/judge.ts';
import { capabilitiesOf } from '../../packages/haproxy/src/render/version.ts';
import { createPolicyValues } from '../../packages/haproxy/src/runtime/policy-values.ts';
import { render } from '../../packages/haproxy/src/status/preview.ts';
import {
  builtIn,
  localitySchema,
  mergePolicy,
  type Protocol,
  policyProblems,
  policySchema,
} from '../../packages/policy/src/index.ts';
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
  readonly services: Readonly<Record<string, InputService>>;
}

interface InputService {
  readonly haproxy?: unknown;
  readonly port?: number;
  readonly protocol?: Protocol;
  readonly policy?: unknown;
  readonly locality?: unknown;
  readonly members?: readonly unknown[];
}

async function outcomeOf(text: string): Promise<string> {
  const input = parse(text) as Input;
  const top = haproxySchema.safeParse(input.haproxy ?? {});
  if (!top.success) return errorsOf('haproxy', top.error);
  const services: Service[] = [];
  for (const [name, asked] of Object.entries(input.services)) {
    const { haproxy = {}, members, port } = asked;
    const section = haproxyServiceSchema.safeParse(haproxy);
    if (!section.success) return errorsOf(`services.${name}.haproxy`, section.error);
    const instances = (members ?? [])
      .map((one) => decodeInstance('id', Buffer.from(JSON.stringify(one))))
      .flatMap((one) => (isBadRecord(one) ? [] : [one]));
    const own = { haproxy: withAddress(section.data, { port }) };
    const traffic = trafficOf(name, asked, new Set(Object.keys(input.services)));
    services.push({ name, instances, defaults: [], own, origin: name, ...traffic });
  }
  await using scratch = await createScratch();
  const managed = top.data.reload_command === undefined;
  const settings = {
    config: top.data,
    around: {
      socket: managed ? '/tmp/synapse/haproxy.sock' : [top.data.socket_file_path].flat()[0],
      stateFile: managed ? '/tmp/synapse/servers.state' : undefined,
      maxconn: managed ? (top.data.maxconn ?? 4096) : undefined,
      account: undefined,
    },
    files: policyFiles(scratch.path('haproxy.cfg')),
    capabilities: capabilitiesOf('2.6.12'),
    stats:
      managed && top.data.stats_address !== false
        ? { address: top.data.stats_address, exporter: true }
        : undefined,
  };
  const signal = new AbortController().signal;
  const plain = new Map(services.map((service) => [service.name, service]));
  const { snapshot } = createExpansion()(plain);
  const { layout, file } = await render(settings, snapshot, signal);
  await createPolicyValues({ files: settings.files, runtimes: [] }).write(layout.parts);
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
  if (objections.length === 0)
    return services.some(({ policy }) => policy)
      ? withPolicy(file.text, settings.files.map, scratch.directory)
      : file.text;
  return objections
    .map(({ owner, reason }) => `error: ${owner}: ${reason.replaceAll(scratch.directory, '')}\n`)
    .join('');
}

/** What a service says of its traffic, with what holds where it says nothing. */
function trafficOf(
  service: string,
  { protocol = 'tcp', policy, locality }: InputService,
  services: ReadonlySet<string>,
): Partial<Service> {
  const near = locality === undefined ? {} : { locality: localitySchema.parse(locality) };
  if (policy === undefined) return near;
  const merged = mergePolicy([
    { origin: 'built-in', policy: builtIn(protocol) },
    { origin: 'service', policy: policySchema.parse(policy) },
  ]);
  const problems = policyProblems(merged.policy, { service, protocol, services });
  expect(problems).toEqual([]);
  return { ...near, protocol, policy: merged };
}

/** Both files; the shape says where they are, which is another place each time. */
function withPolicy(text: string, map: string, directory: string): string {
  const both = `${text}\n# haproxy.cfg.policy.map\n${existsSync(map) ? readFileSync(map, 'utf8') : ''}`;
  return both
    .replaceAll(directory, '/run/synapse')
    .replace(/SYNAPSE_SHAPE \w+/, 'SYNAPSE_SHAPE of-these-sections');
}

function errorsOf(
  prefix: string,
  error: { readonly issues: readonly { path: PropertyKey[]; message: string }[] },
): string {
  return error.issues
    .map(({ path, message }) => `error: ${[prefix, ...path].join('.')}: ${message}\n`)
    .join('');
}
