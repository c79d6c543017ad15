import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, messageOf, silentLog, UserError } from '@smartstack/daemon';
import { isUnanswered, type Preview, type Snapshot } from '@smartstack/proxy';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';
import type { LoadedConfig, SynapseConfig } from '../config/config.ts';
import { allProxies, sectionOf } from '../proxies.ts';
import { followedServices } from '../reconcile/followed.ts';
import type { Followed } from '../reconcile/follower.ts';
import { createFollowers } from '../reconcile/followers.ts';
import { createTaskGroup } from '../reconcile/task-group.ts';

/** What synapse would do at this moment, and what is wrong. */
export interface Previewed {
  /** By each proxy that would be touched. */
  readonly previews: readonly ProxyPreview[];
  /** Services without an answer, and those that would be left out, a sentence each. */
  readonly complaints: readonly string[];
}

/** What one proxy would be given. */
export interface ProxyPreview extends Preview {
  readonly proxy: string;
}

/**
 * Waits for one answer of every discovery, up to `startup_timeout`, and says what synapse would do; changes
 * nothing. Throws a `UserError` when a proxy cannot be examined.
 */
export async function previewOnce(loaded: LoadedConfig, signal: AbortSignal): Promise<Previewed> {
  const { snapshot, complaints } = await answeredOnce(loaded, () => true, signal);
  const previews = await previewsOf(loaded.config, snapshot, signal).catch((error: unknown) => {
    throw new UserError(`cannot say what would change: ${messageOf(error)}`, { cause: error });
  });
  return { previews, complaints: [...complaints, ...objectionsIn(previews)] };
}

/** All services, of which those that are asked for have answered, up to `startup_timeout`; and which have not. */
export async function answeredOnce(
  loaded: LoadedConfig,
  isAsked: (service: string) => boolean,
  signal: AbortSignal,
): Promise<{ readonly snapshot: Snapshot; readonly complaints: readonly string[] }> {
  const deps = { log: silentLog, metrics: createMetrics() };
  await using registries = createRegistries({
    session: await sessionOptionsOf(loaded.config.zookeeper),
    etcd: loaded.config.etcd,
    ...deps,
  });
  const { startup_timeout: timeout } = loaded.config;
  const followed = followedServices(loaded, registries, deps);
  const asked = followed.filter(({ service }) => isAsked(service.name));
  const answers = await firstAnswers(asked, timeout, signal);
  const { snapshot } = answers;
  return {
    snapshot: new Map(
      followed.map(({ service }) => [service.name, snapshot.get(service.name) ?? service]),
    ),
    complaints: silentServices(answers, timeout),
  };
}

function silentServices({ snapshot, failures }: Answers, timeout: number): readonly string[] {
  const silent = [...snapshot.values()].filter(isUnanswered);
  return silent.map(({ name }) =>
    failures.has(name)
      ? `${name} cannot be followed: ${failures.get(name)}`
      : `no answer from the discovery of ${name} within ${timeout / 1000} s`,
  );
}

function objectionsIn(previews: readonly Preview[]): readonly string[] {
  return previews.flatMap(({ objections }) =>
    objections.map(({ owner, reason }) => `${owner} would be left out: ${reason}`),
  );
}

async function previewsOf(
  config: SynapseConfig,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<readonly ProxyPreview[]> {
  const previews: ProxyPreview[] = [];
  for (const { name, preview } of allProxies) {
    const one = await preview(sectionOf(config, name), snapshot, signal);
    if (one) previews.push({ ...one, proxy: name });
  }
  return previews;
}

/** The services as their discoveries answered first, and why others cannot be followed. */
interface Answers {
  readonly snapshot: Snapshot;
  readonly failures: ReadonlyMap<string, string>;
}

/** Waits until every discovery has answered or failed once, or the time is over. */
async function firstAnswers(
  followed: readonly Followed[],
  timeout: number,
  outer: AbortSignal,
): Promise<Answers> {
  const enough = new AbortController();
  const signal = AbortSignal.any([outer, enough.signal]);
  const failures = new Map<string, string>();
  const followers = createFollowers(followed, {
    onChange: () => {},
    onFailure: (service, error) => failures.set(service, messageOf(error)),
  });
  const group = createTaskGroup(signal);
  followers.start(group, signal);
  const patience = sleep(timeout, undefined, { signal }).catch(() => {});
  await Promise.race([followers.answered, patience]);
  enough.abort();
  await group.done();
  return { snapshot: followers.snapshot(), failures };
}

/** The files of all proxies, or of one; where there are several, a line before each says whose it is. */
export function rendered({ previews }: Previewed, only?: string): string {
  const chosen = previews.filter(({ proxy }) => only === undefined || proxy === only);
  if (chosen.length < 2) return chosen.map(({ text }) => text).join('');
  return chosen.map(({ proxy, path, text }) => `# ${proxy}: ${path}\n${text}`).join('\n');
}
