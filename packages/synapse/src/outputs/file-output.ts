import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { messageOf, readRegularText, writeFileAtomic } from '@smartstack/daemon';
import type { Applied, Output, Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { z } from 'zod';
import { sequenceOf } from '../discovery/policies/leader.ts';

/** The originals' `file_output` section. */
export const fileOutputSchema = z
  .strictObject({
    output_directory: z
      .string()
      .min(1)
      .meta({
        description:
          'a folder of its own, with `<service>.json` for each service: a list of `{name, host, port, id, weight, haproxy_server_options, labels}`, rewritten only when it is another and removed with the service',
        examples: ['/run/synapse/services'],
      }),
  })
  .meta({
    description: 'members as files, for apps that cannot use a proxy',
    otherwise: 'none',
    examples: [{ output_directory: '/run/synapse/services' }],
  });

/** What a service says of `file_output`. */
export const fileOutputServiceSchema = z
  .strictObject({
    disabled: z
      .boolean()
      .default(false)
      .meta({ description: 'no file for this service; one that is there is removed' }),
  })
  .meta({
    description: 'whether the service has a file',
    otherwise: 'it has, where the top level has `file_output`',
    examples: [{ disabled: true }],
  });

/**
 * Writes each service's members to `<directory>/<service>.json` as the originals do, only when they
 * changed. The folder is synapse's own: files of services that are gone are removed. A file that cannot be
 * written or removed fails `apply` once all others are as they are to be.
 */
export function createFileOutput({
  output_directory: directory,
}: z.output<typeof fileOutputSchema>): Output {
  let written = new Map<string, readonly Instance[]>();
  let listed: string | undefined;

  async function write(service: Service): Promise<boolean> {
    const { name, instances, defaults } = service;
    const path = join(directory, fileOf(name));
    if (instances && written.get(name) === instances) return false;
    if (!instances && (await exists(path))) return false;
    const text = JSON.stringify((instances ?? defaults).map(shown));
    const before = await readRegularText(path, { limit: 2 ** 28 }).catch(() => undefined);
    if (before !== text) await writeFileAtomic(path, text);
    if (instances) written.set(name, instances);
    return before !== text;
  }

  async function purge(snapshot: Snapshot): Promise<boolean> {
    const names = [...snapshot.keys()].join('\0');
    if (names === listed) return false;
    const own = new Set([...snapshot.keys()].map(fileOf));
    const gone = (await readdir(directory, { withFileTypes: true })).filter(
      (file) => /^[^.].*\.json$/.test(file.name) && !own.has(file.name) && !file.isDirectory(),
    );
    await all(
      gone.map(
        ({ name }) =>
          () =>
            rm(join(directory, name), { force: true }),
      ),
    );
    written = new Map([...written].filter(([name]) => snapshot.has(name)));
    listed = names;
    return gone.length > 0;
  }

  async function apply(whole: Snapshot): Promise<Applied> {
    const snapshot = new Map([...whole].filter(([, service]) => service.fileOutput !== false));
    if (listed === undefined) await mkdir(directory, { recursive: true });
    let changed = false;
    const note = async (change: Promise<boolean>) => {
      changed = (await change) || changed;
    };
    try {
      await all([
        ...[...snapshot.values()].map((service) => () => note(write(service))),
        () => note(purge(snapshot)),
      ]);
    } catch (error) {
      written = new Map();
      listed = undefined;
      throw error;
    }
    return changed ? 'updated' : 'unchanged';
  }

  return {
    name: 'file_output',
    apply,
    wakes: async function* () {},
    status: () => ({ directory, services: written.size }),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Does one after the other, also where some fail; rejects with all their reasons. */
async function all(works: readonly (() => Promise<void>)[]): Promise<void> {
  const reasons: string[] = [];
  for (const work of works)
    await work().catch((error: unknown) => {
      reasons.push(messageOf(error));
    });
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}

function fileOf(service: string): string {
  return `${service.replaceAll('/', '_')}.json`;
}

/** The keys of the originals, in their order; what a member lacks is null. */
function shown(instance: Instance): object {
  const { name, host, port, weight, labels, haproxyServerOptions } = instance;
  return {
    name: name ?? null,
    host,
    port,
    id: sequenceOf(instance) ?? null,
    weight: weight ?? null,
    haproxy_server_options: haproxyServerOptions ?? null,
    labels: labels ?? null,
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
