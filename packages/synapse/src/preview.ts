import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, messageOf, silentLog, UserError } from '@smartstack/daemon';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';
import { createTwoFilesPatch } from 'diff';

import type { LoadedConfig } from './config.ts';
import { followedServices } from './followed.ts';
import { createFollowers, type Followed } from './followers.ts';
import {
  type HaproxyConfig,
  haproxySchema,
  isOff,
  type Preview,
  preview,
  sectionOf,
} from './proxies/haproxy/index.ts';
import { createLevels } from './proxies/levels.ts';
import { isUnheard, type Snapshot } from './service.ts';
import { createTaskGroup } from './task-group.ts';

/** What synapse would do at this moment, and what there is to say about it. */
export interface Previewed extends Preview {
  /** Services that were not heard, and those that would be left out, a sentence each. */
  readonly complaints: readonly string[];
}

/**
 * Hears every service once, up to `startup_timeout`, and says what synapse would do; touches nothing.
 * Throws a `UserError` when HAProxy cannot be looked at.
 */
export async function previewOnce(loaded: LoadedConfig, signal: AbortSignal): Promise<Previewed> {
  const deps = { log: silentLog, metrics: createMetrics() };
  await using registries = createRegistries({
    session: await sessionOptionsOf(loaded.config.zookeeper),
    ...deps,
  });
  const { startup_timeout: timeout } = loaded.config;
  const followed = followedServices(loaded, registries, deps);
  const { snapshot, failures } = await hearOnce(followed, timeout, signal);
  const previewed = await previewOf(loaded.config.haproxy, snapshot, signal).catch(
    (error: unknown) => {
      throw new UserError(`cannot say what would change: ${messageOf(error)}`, { cause: error });
    },
  );
  const unheard = [...snapshot.values()].filter(isUnheard);
  return {
    ...previewed,
    complaints: [
      ...unheard.map(({ name }) =>
        failures.has(name)
          ? `${name} cannot be followed: ${failures.get(name)}`
          : `no answer from the discovery of ${name} within ${timeout / 1000} s`,
      ),
      ...previewed.objections.map(({ owner, reason }) => `${owner} would be left out: ${reason}`),
    ],
  };
}

/** Nothing, where no HAProxy is wanted. */
async function previewOf(key: HaproxyConfig | undefined, snapshot: Snapshot, signal: AbortSignal) {
  const isAsked = [...snapshot.values()].some(({ haproxy }) => haproxy && !haproxy.disabled);
  if (isOff(key) || (key === undefined && !isAsked)) return nothing;
  return preview(sectionOf(key) ?? haproxySchema.parse({}), createLevels()(snapshot), signal);
}

const nothing: Preview = {
  path: undefined,
  text: '',
  before: undefined,
  commands: [],
  reload: undefined,
  objections: [],
};

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

/** The difference as a unified patch of the file, then the commands and the reload; `''` when there is none. */
export function diffOf({ path = 'haproxy.cfg', before = '', text, ...rest }: Preview): string {
  const patch =
    before === text ? '' : createTwoFilesPatch(path, path, before, text, 'now', 'to be');
  const commands = rest.commands.map((command) => `command: ${command}\n`).join('');
  const reload = rest.reload === undefined ? '' : `reload: ${rest.reload}\n`;
  return `${patch}${commands}${reload}`;
}
