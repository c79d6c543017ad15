import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { messageOf, readRegularText, writeFileAtomic } from '@smartstack/daemon';

import type { ResourceSnapshot } from '../xds/resource.ts';
import { clustersFile, endpointsFile, endpointsFolder } from './names.ts';
import { clustersText, endpointsText, versionOf } from './texts.ts';

/** Clusters and their endpoints as files (`path_config_source`), for an Envoy that somebody else configures. */
export interface Files {
  /**
   * Brings the files in step, and rewrites none that is the same. Rejects where one cannot be written or removed, once
   * all others are as they should be; what is there stays.
   */
  write(resources: ResourceSnapshot): Promise<void>;
  /** Compares each file with its content next time, in case somebody else changed one. */
  recheck(): void;
}

/** How large a file may be that is compared, in bytes. */
const limit = 2 ** 28;

/** What synapse writes into the folder of endpoints, and what a crash in the middle of writing leaves there. */
const own = /^[^.].*\.json$|^\..+\.json\.[0-9a-f]{12}$/;

/** Nothing is written before the first call; the folder is made where it is missing. */
export function createFiles(directory: string): Files {
  const folder = join(directory, endpointsFolder);
  let written = new Map<string, string>();
  let last: ResourceSnapshot | undefined;

  async function put(path: string, version: string, textOf: () => string): Promise<void> {
    if (written.get(path) === version) return;
    const text = textOf();
    const before = await readRegularText(path, { limit }).catch(() => undefined);
    // By a temporary file and a move: an Envoy reads again what was moved there, and nothing else.
    if (before !== text) await writeFileAtomic(path, text);
    written.set(path, version);
  }

  /** A cluster comes after its endpoints and goes before them: Envoy refuses one whose file is not there. */
  async function write({ cluster, endpoints }: ResourceSnapshot): Promise<void> {
    await mkdir(folder, { recursive: true });
    const there = new Set(await readdir(folder));
    // Where nobody knows the members, those of the last run stand.
    const clusters = [...cluster.values()]
      .filter((each) => each.audience === 'all')
      .filter(({ name }) => endpoints.has(name) || there.has(endpointsFile(name)))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    await all(
      clusters.map(({ name }) => async () => {
        const resource = endpoints.get(name);
        const file = endpointsFile(name);
        if (!there.has(file)) written.delete(join(folder, file));
        if (resource)
          await put(join(folder, file), resource.version, () => endpointsText(resource));
      }),
    );
    await put(join(directory, clustersFile), versionOf(clusters), () =>
      clustersText(clusters, directory),
    );
    const used = new Set(clusters.map(({ name }) => endpointsFile(name)));
    const gone = [...there].filter((file) => own.test(file) && !used.has(file));
    await all(gone.map((file) => () => remove(join(folder, file))));
  }

  async function remove(path: string): Promise<void> {
    written.delete(path);
    await rm(path, { force: true });
  }

  return {
    write: async (resources) => {
      if (last?.cluster === resources.cluster && last.endpoints === resources.endpoints) return;
      last = undefined;
      await write(resources);
      last = resources;
    },
    recheck: () => {
      written = new Map();
      last = undefined;
    },
  };
}

/** Does one after the other, also where some fail; rejects with the first reason and how many there are. */
async function all(works: readonly (() => Promise<void>)[]): Promise<void> {
  const reasons: string[] = [];
  for (const work of works)
    await work().catch((error: unknown) => {
      reasons.push(messageOf(error));
    });
  const [first, ...others] = reasons;
  if (first !== undefined)
    throw new Error(others.length === 0 ? first : `${first}; and ${others.length} more`);
}
