import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, messageOf, silentLog, UserError } from '@smartstack/daemon';
import { isUnheard, type Preview, type Snapshot } from '@smartstack/proxy';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';
import { createTwoFilesPatch } from 'diff';
import type { LoadedConfig, SynapseConfig } from '../config/config.ts';
import { allProxies, sectionOf } from '../proxies.ts';
import { followedServices } from '../reconcile/followed.ts';
import type { Followed } from '../reconcile/follower.ts';
import { createFollowers } from '../reconcile/followers.ts';
import { createTaskGroup } from '../reconcile/task-group.ts';

/** What synapse would do at this moment, and what there is to say about it. */
export interface Previewed {
  /** By each proxy that would be touched. */
  readonly previews: readonly Preview[];
  /** Services that were not heard, and those that would be left out, a sentence each. */
  readonly complaints: readonly string[];
}

/**
 * Hears every service once, up to `startup_timeout`, and says what synapse would do; touches nothing.
 * Throws a `UserError` when a proxy cannot be looked at.
 */
export async function previewOnce(loaded: LoadedConfig, signal: AbortSignal): Promise<Previewed> {
  const { snapshot, complaints } = await heardOnce(loaded, () => true, signal);
  const previews = await previewsOf(loaded.config, snapshot, signal).catch((error: unknown) => {
    throw new UserError(`cannot say what would change: ${messageOf(error)}`, { cause: error });
  });
  return {
    previews,
    complaints: [
      ...complaints,
      ...previews.flatMap(({ objections }) =>
        objections.map(({ owner, reason }) => `${owner} would be left out: ${reason}`),
      ),
    ],
  };
}

/** All services, of which those that are asked for were heard, up to `startup_timeout`; and which were not. */
export async function heardOnce(
  loaded: LoadedConfig,
  isAsked: (service: string) => boolean,
  signal: AbortSignal,
): Promise<{ readonly snapshot: Snapshot; readonly complaints: readonly string[] }> {
  const deps = { log: silentLog, metrics: createMetrics() };
  await using registries = createRegistries({
    session: await sessionOptionsOf(loaded.config.zookeeper),
    ...deps,
  });
  const { startup_timeout: timeout } = loaded.config;
  const followed = followedServices(loaded, registries, deps);
  const asked = followed.filter(({ service }) => isAsked(service.name));
  const { snapshot, failures } = await hearOnce(asked, timeout, signal);
  const unheard = [...snapshot.values()].filter(isUnheard);
  return {
    snapshot: new Map(
      followed.map(({ service }) => [service.name, snapshot.get(service.name) ?? service]),
    ),
    complaints: unheard.map(({ name }) =>
      failures.has(name)
        ? `${name} cannot be followed: ${failures.get(name)}`
        : `no answer from the discovery of ${name} within ${timeout / 1000} s`,
    ),
  };
}

async function previewsOf(
  config: SynapseConfig,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<readonly Preview[]> {
  const previews: Preview[] = [];
  for (const { name, preview } of allProxies) {
    const one = await preview(sectionOf(config, name), snapshot, signal);
    if (one) previews.push(one);
  }
  return previews;
}

/** What is known once all was heard, or the time is over. */
async function hearOnce(
  followed: readonly Followed[],
  timeout: number,
  outer: AbortSignal,
): Promise<{ readonly snapshot: Snapshot; readonly failures: ReadonlyMap<string, string> }> {
  const heard = new AbortController();
  const signal = AbortSignal.any([outer, heard.signal]);
  const failures = new Map<string, string>();
  const followers = createFollowers(followed, {
    onChange: () => {},
    onFailure: (service, error) => failures.set(service, messageOf(error)),
  });
  const group = createTaskGroup(signal);
  followers.start(group, signal);
  const patience = sleep(timeout, undefined, { signal }).catch(() => {});
  await Promise.race([followers.heard, patience]);
  heard.abort();
  await group.done();
  return { snapshot: followers.snapshot(), failures };
}

/** The differences of all, as `differenceOf` each; `''` when there is none. */
export function diffOf({ previews }: Previewed): string {
  return previews.map(differenceOf).join('');
}

/** The difference as a unified patch of the file, then the commands and the reload. */
function differenceOf({ path, before = '', text, ...rest }: Preview): string {
  const patch =
    before === text ? '' : createTwoFilesPatch(path, path, before, text, 'now', 'to be');
  const commands = rest.commands.map((command) => `command: ${command}\n`).join('');
  const reload = rest.reload === undefined ? '' : `reload: ${rest.reload}\n`;
  return `${patch}${commands}${reload}`;
}
