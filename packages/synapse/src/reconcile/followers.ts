import { keepRunning, type Latest, messageOf } from '@smartstack/daemon';
import type { Service, Snapshot } from '@smartstack/proxy';
import type { ServiceConfig } from '../config/config.ts';
import type { Discovery, FollowRegistryConfig, RegistryConfig } from '../discovery/discovery.ts';
import { createPortedMembers, type PortedMembers } from '../discovery/policies/backend-port.ts';
import type { ShrinkGuard } from '../discovery/policies/shrink-guard.ts';
import type { Trace } from '../discovery/trace.ts';
import { allProxies } from '../proxies.ts';
import type { TaskGroup } from './task-group.ts';

/** A service to follow: what is known of it before its discovery is heard, and that discovery. */
export interface Followed {
  readonly service: Service;
  readonly discovery: Discovery;
  /** Why nobody is announced, each time that its registry answers that there is no such place. */
  readonly missing?: Latest<string> | undefined;
  /** What the registry says over its proxies' sections, where it may say something. */
  readonly overrides?: FollowRegistryConfig | undefined;
  /** Two of one name with the same text are the same, and the one that is there goes on. */
  readonly identity?: string;
  /** Holds a sudden loss of members back, where it does. */
  readonly guard?: ShrinkGuard | undefined;
  /** What came out of each step of its discovery, where that is known. */
  readonly trace?: Trace;
  /** The configuration that it was made from, where it was. */
  readonly config?: ServiceConfig;
}

export interface FollowersOptions {
  /** Called after each change. */
  onChange(): void;
  /** Told each time that following a service failed, which is tried again, and whether for another reason than before. */
  onFailure?(service: string, error: unknown, isNews: boolean): void;
}

/** Follows a set of services, which may be replaced by another. */
export interface Followers {
  /** Follows these and no others; what did not change is not touched, and what did keeps its members until heard anew. */
  replace(followed: readonly Followed[]): void;
  snapshot(): Snapshot;
  /** The followed service of this name. */
  get(name: string): Followed | undefined;
  /** Why a service cannot be followed for now; undefined where it can. */
  failure(name: string): string | undefined;
  /** Resolves once everything that was followed first was heard, or is no longer followed. */
  readonly heard: Promise<void>;
  /** Starts following; tasks go to the group. */
  start(group: TaskGroup, signal: AbortSignal): void;
}

interface Follower {
  readonly followed: Followed;
  readonly ended: AbortController;
  /** Why what is followed of it cannot be, by what that is. */
  readonly failures: Map<Task, string>;
  readonly members: PortedMembers;
}

/** Follows something of a service until the signal aborts. */
type Task = (follower: Follower, signal: AbortSignal) => Promise<void>;

/** Followers of these services, which do not follow anything before they are started. */
export function createFollowers(
  first: readonly Followed[],
  { onChange, onFailure = () => {} }: FollowersOptions,
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
    // What somebody has seen is never changed; what nobody has, need not be copied.
    if (isShown) services = new Map(services);
    isShown = false;
    services.set(name, changed);
    onChange();
  }

  async function followMembers(follower: Follower, signal: AbortSignal): Promise<void> {
    for await (const instances of follower.followed.discovery(signal)) {
      awaited.heard(follower);
      follower.failures.delete(followMembers);
      follower.members.heard(instances);
      update(follower, (service) => ({ ...service, instances: follower.members.current() }));
    }
    if (!signal.aborted) throw new Error('its discovery ended');
  }

  /** An answer that a start need not wait for, and that changes no members. */
  async function followMissing(follower: Follower, signal: AbortSignal): Promise<void> {
    for await (const missing of follower.followed.missing?.values(signal) ?? []) {
      awaited.heard(follower);
      follower.failures.delete(followMissing);
      // Its discovery was answered, too.
      follower.failures.delete(followMembers);
      update(follower, (service) =>
        service.missing === missing ? service : { ...service, missing },
      );
    }
  }

  async function followOverrides(follower: Follower, signal: AbortSignal): Promise<void> {
    const { overrides, service: configured } = follower.followed;
    if (!overrides || !configured.own) return;
    for await (const change of overrides(signal)) {
      awaited.heard(follower.followed);
      follower.failures.delete(followOverrides);
      const registryConfig = Object.keys(change).length === 0 ? undefined : change;
      const own = withOverrides(configured.own, change);
      const isMoved = follower.members.moveTo(portIn(change));
      update(follower, (service) => {
        if (!registryConfig && !service.registryConfig) return service;
        const instances = isMoved ? follower.members.current() : undefined;
        return { ...service, own, registryConfig, ...(instances && { instances }) };
      });
    }
  }

  /** What fails in one service is tried again, and concerns no other; a start does not wait for it. */
  function follow(follower: Follower, part: object, task: Task): void {
    const { signal } = follower.ended;
    const failed = (error: unknown) => {
      awaited.heard(part);
      const reason = messageOf(error);
      const isNews = follower.failures.get(task) !== reason;
      follower.failures.set(task, reason);
      onFailure(follower.followed.service.name, error, isNews);
    };
    started?.group.add(
      keepRunning((own) => task(follower, own), failed, signal),
      signal,
    );
  }

  function begin(follower: Follower): void {
    if (!started) return;
    if (started.signal.aborted) follower.ended.abort(started.signal.reason);
    follow(follower, follower, followMembers);
    if (follower.followed.missing) follow(follower, follower, followMissing);
    follow(follower, follower.followed, followOverrides);
  }

  function end(name: string, follower: Follower): void {
    followers.delete(name);
    awaited.heard(follower);
    awaited.heard(follower.followed);
    follower.ended.abort();
  }

  function replace(next: readonly Followed[]): void {
    const replaced = new Map<string, Service>();
    const names = new Set(next.map(({ service }) => service.name));
    for (const [name, follower] of followers) if (!names.has(name)) end(name, follower);
    const changed = next.filter(({ service, identity }) => {
      const present = followers.get(service.name);
      return !present || identity === undefined || present.followed.identity !== identity;
    });
    const fresh = changed.map(
      (followed): Follower => ({
        followed,
        ended: new AbortController(),
        failures: new Map(),
        members: createPortedMembers(followed.config?.default_servers ?? []),
      }),
    );
    for (const follower of fresh) {
      const { name } = follower.followed.service;
      const present = followers.get(name);
      if (present) end(name, present);
      // What the registry said goes on until it is heard again.
      if (follower.followed.overrides)
        follower.members.moveTo(portIn(services.get(name)?.registryConfig));
      followers.set(name, follower);
    }
    for (const { service } of next) replaced.set(service.name, initial(service));
    services = replaced;
    isShown = false;
    for (const follower of fresh) begin(follower);
    onChange();

    function initial(service: Service): Service {
      const before = services.get(service.name);
      if (!before) return service;
      const isNew = changed.some((each) => each.service === service);
      if (!isNew) return before;
      const { overrides } = followers.get(service.name)?.followed ?? {};
      const registryConfig = overrides && before.registryConfig;
      return { ...service, instances: before.instances, ...(registryConfig && { registryConfig }) };
    }
  }

  replace(first);
  awaited.expect([...followers.values()].flatMap(partsOf));
  return {
    replace,
    snapshot: () => {
      isShown = true;
      return services;
    },
    get: (name) => followers.get(name)?.followed,
    failure: (name) => failureOf(followers.get(name)),
    heard: awaited.all,
    start: (group, signal) => {
      started = { group, signal };
      const endAll = () => {
        for (const { ended } of followers.values()) ended.abort(signal.reason);
      };
      if (signal.aborted) endAll();
      else signal.addEventListener('abort', endAll, { once: true });
      for (const follower of followers.values()) begin(follower);
    },
  };
}

function failureOf(follower: Follower | undefined): string | undefined {
  const reasons = new Set(follower?.failures.values());
  return reasons.size === 0 ? undefined : [...reasons].join('; ');
}

/** What there is to hear of a service: its members, and what the registry says over its section. */
function partsOf(follower: Follower): readonly object[] {
  const { followed } = follower;
  return followed.overrides && followed.service.own ? [follower, followed] : [follower];
}

function createAwaited() {
  let expected = new Set<object>();
  let resolve = () => {};
  const all = new Promise<void>((done) => {
    resolve = done;
  });
  return {
    all,
    expect: (parts: Iterable<object>) => {
      expected = new Set(parts);
      if (expected.size === 0) resolve();
    },
    heard: (part: object) => {
      if (expected.delete(part) && expected.size === 0) resolve();
    },
  };
}

/** The port that the registry gives every member, by the section of some proxy. */
export function portIn(registryConfig: Service['registryConfig'] = {}): number | undefined {
  for (const { name, config } of allProxies) {
    const { port } = config.takePort(registryConfig[name] ?? {});
    if (port !== undefined) return port;
  }
  return undefined;
}

/** The sections of a service with what its registry sets in them; those of which it says nothing are as they were. */
function withOverrides(
  own: NonNullable<Service['own']>,
  change: RegistryConfig,
): NonNullable<Service['own']> {
  const changed = allProxies.flatMap(({ name, config }) => {
    const section = own[name];
    const { own: rest } = config.takePort(change[name] ?? {});
    if (!section || Object.keys(rest).length === 0) return [];
    return [[name, { ...section, ...rest }] as const];
  });
  return changed.length === 0 ? own : { ...own, ...Object.fromEntries(changed) };
}
