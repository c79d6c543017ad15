import type { Policy } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';

import type { Policies } from '../config/policy.ts';
import { createAwaited } from './awaited.ts';
import { createFollower, type Followed, type Follower } from './follower.ts';
import { policedBy } from './registry-policy.ts';
import type { TaskGroup } from './task-group.ts';

export interface FollowersOptions {
  /** Called after each change. */
  onChange(): void;
  /** Called each time that following a service failed, which is tried again; `isNews` unless for the same reason as before. */
  onFailure?(service: string, error: unknown, isNews: boolean): void;
  /** Told each time that a service's registry says another policy that cannot be used. */
  onRefused?(service: string, problems: readonly string[]): void;
}

/** Follows a set of services, which may be replaced by another. */
export interface Followers {
  /** Follows these and no others; unchanged services are not touched, changed ones keep their members until they are answered anew. */
  replace(followed: readonly Followed[]): void;
  snapshot(): Snapshot;
  /** The followed service of this name. */
  get(name: string): Followed | undefined;
  /** Why a service cannot be followed for now; undefined where it can. */
  failure(name: string): string | undefined;
  /** Why the policy that a service's registry says is not in force; empty where it is. */
  refusedPolicy(name: string): readonly string[];
  /** Resolves once everything that was followed first has answered, or is no longer followed. */
  readonly answered: Promise<void>;
  /** Starts following; tasks go to the group. */
  start(group: TaskGroup, signal: AbortSignal): void;
}

/** Followers of these services, which do not follow anything before they are started. */
export function createFollowers(
  first: readonly Followed[],
  { onChange, onFailure = () => {}, onRefused = () => {} }: FollowersOptions,
): Followers {
  const followers = new Map<string, Follower>();
  const awaited = createAwaited();
  let services = new Map<string, Service>();
  let isShown = false;
  let started: { readonly group: TaskGroup; readonly signal: AbortSignal } | undefined;

  function update(follower: Follower, change: (service: Service) => Service): void {
    const { name } = follower.followed.service;
    const service = services.get(name);
    if (followers.get(name) !== follower || !service) return;
    const changed = change(service);
    if (changed === service) return;
    // A snapshot that was given out never changes; one that was not need not be copied.
    if (isShown) services = new Map(services);
    isShown = false;
    services.set(name, changed);
    if (changed.policy !== service.policy)
      for (const other of followers.values()) if (other !== follower) other.othersChanged();
    onChange();
  }

  /** What is in force for other services of which the registry says something. */
  function policiesBeside(name: string): Policies {
    return new Map(
      [...services].flatMap(([other, { policy, registryPolicy }]) =>
        policy && registryPolicy && other !== name ? [[other, policy]] : [],
      ),
    );
  }

  function followerOf(followed: Followed): Follower {
    const { name } = followed.service;
    const before = services.get(name);
    const follower = createFollower(followed, {
      awaited,
      registryConfig: before?.registryConfig,
      registryPolicy: before ? before.registryPolicy : followed.savedPolicy,
      others: () => policiesBeside(name),
      update: (change) => update(follower, change),
      onFailure: (error, isNews) => onFailure(name, error, isNews),
      onRefused: (problems) => onRefused(name, problems),
    });
    return follower;
  }

  function begin(follower: Follower): void {
    if (!started) return;
    if (started.signal.aborted) follower.end(started.signal.reason);
    follower.begin(started.group);
  }

  function end(name: string): void {
    followers.get(name)?.end();
    followers.delete(name);
  }

  function replace(next: readonly Followed[]): void {
    const names = new Set(next.map(({ service }) => service.name));
    for (const name of [...followers.keys()]) if (!names.has(name)) end(name);
    const isKept = ({ service, identity }: Followed) =>
      identity !== undefined && followers.get(service.name)?.followed.identity === identity;
    const changed = new Set(next.filter((each) => !isKept(each)));
    const fresh = [...changed].map(followerOf);
    for (const follower of fresh) {
      end(follower.followed.service.name);
      followers.set(follower.followed.service.name, follower);
    }
    services = new Map(
      next.map((each) => {
        const before = services.get(each.service.name);
        return [each.service.name, before && !changed.has(each) ? before : renewed(each, before)];
      }),
    );
    isShown = false;
    for (const { service, judgePolicy } of next.filter((each) => !changed.has(each)))
      if (judgePolicy) followers.get(service.name)?.judgeBy(judgePolicy);
    for (const follower of fresh) begin(follower);
    onChange();
  }

  replace(first);
  awaited.expect([...followers.values()].flatMap(({ parts }) => parts));
  return {
    replace,
    snapshot: () => {
      isShown = true;
      return services;
    },
    get: (name) => followers.get(name)?.followed,
    failure: (name) => followers.get(name)?.failure(),
    refusedPolicy: (name) => followers.get(name)?.refusedPolicy() ?? [],
    answered: awaited.all,
    start: (group, signal) => {
      started = { group, signal };
      const endAll = () => {
        for (const follower of followers.values()) follower.end(signal.reason);
      };
      if (signal.aborted) endAll();
      else signal.addEventListener('abort', endAll, { once: true });
      for (const follower of followers.values()) begin(follower);
    },
  };
}

/** A service whose configuration changed, or that was saved, keeps its members, and what its registry sets, until it is answered anew. */
function renewed(
  { service, overrides, judgePolicy, savedPolicy }: Followed,
  before: Service | undefined,
): Service {
  const policedAs = (registry: Policy | undefined) =>
    overrides && judgePolicy ? policedBy(judgePolicy, registry) : undefined;
  if (!before) {
    const saved = policedAs(savedPolicy);
    return saved ? { ...service, ...saved, stalePolicy: true } : service;
  }
  const registryConfig = overrides && before.registryConfig;
  const policed = policedAs(before.registryPolicy);
  return {
    ...service,
    instances: before.instances,
    ...(registryConfig && { registryConfig }),
    ...policed,
    ...(policed && before.stalePolicy && { stalePolicy: true }),
  };
}
