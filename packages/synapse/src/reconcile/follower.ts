import { isDeepStrictEqual } from 'node:util';

import { keepRunning, type Latest, messageOf } from '@smartstack/daemon';
import type { Policy } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';

import type { ServiceConfig } from '../config/config.ts';
import type { Policies } from '../config/policy.ts';
import type { JudgePolicy } from '../config/policy-judge.ts';
import type { Discovery, FollowRegistryConfig } from '../discovery/discovery.ts';
import { createPortedMembers } from '../discovery/policies/backend-port.ts';
import type { ShrinkGuard } from '../discovery/policies/shrink-guard.ts';
import { policyKey, type RegistryPolicy } from '../discovery/registry-policy.ts';
import type { Trace } from '../discovery/trace.ts';
import type { Awaited } from './awaited.ts';
import { portIn, withOverrides } from './own-sections.ts';
import { createPolicyInForce, policedOf, withPolicy } from './registry-policy.ts';
import type { TaskGroup } from './task-group.ts';

/** A service to follow: what is known of it before its discovery answers, and that discovery. */
export interface Followed {
  readonly service: Service;
  readonly discovery: Discovery;
  /** Why no instance is registered, each time that its registry answers that there is no such place. */
  readonly missing?: Latest<string> | undefined;
  /** What the registry says over its proxies' sections, where it may say something. */
  readonly overrides?: FollowRegistryConfig | undefined;
  /** What a policy that its registry says makes of it, where it may say one. */
  readonly judgePolicy?: JudgePolicy | undefined;
  /** What its registry said in an earlier run; it is in force until the registry answers. */
  readonly savedPolicy?: Policy | undefined;
  /** Two of one name with the same text are the same: the follower of the first goes on. */
  readonly identity?: string;
  /** Holds a sudden loss of members back, where it does. */
  readonly guard?: ShrinkGuard | undefined;
  /** What came out of each step of its discovery, where that is known. */
  readonly trace?: Trace;
  /** The configuration that it was made from, where it was. */
  readonly config?: ServiceConfig;
}

/** Follows one service: its members, whether its place exists, and what its registry sets in its sections. */
export interface Follower {
  readonly followed: Followed;
  /** What a start waits for. */
  readonly parts: readonly object[];
  /** Why a part of it cannot be followed now; undefined where all can. */
  failure(): string | undefined;
  /** Why the policy that its registry says is not in force; empty where it is. */
  refusedPolicy(): readonly string[];
  /** Other services' policies changed: one that its registry says and that was refused may be used now. */
  othersChanged(): void;
  /** The rest of the configuration is another one: what its registry says is judged by that. */
  judgeBy(judge: JudgePolicy): void;
  /** Starts following; tasks go to the group. */
  begin(group: TaskGroup): void;
  end(reason?: unknown): void;
}

export interface FollowerOptions {
  readonly awaited: Awaited;
  /** What the registry set in its sections before; that stays until it answers again. */
  readonly registryConfig: Service['registryConfig'];
  /** What its registry said of its traffic before; that goes on, too. */
  readonly registryPolicy: Service['registryPolicy'];
  /** The policies in force for other services of which the registry says something. */
  others(): Policies;
  update(change: (service: Service) => Service): void;
  /** Called each time that its registry says another policy that cannot be used. */
  onRefused(problems: readonly string[]): void;
  /** Called each time that something cannot be followed, which is tried again; `isNews` unless for the same reason as before. */
  onFailure(error: unknown, isNews: boolean): void;
}

type Task = (signal: AbortSignal) => Promise<void>;

export function createFollower(
  followed: Followed,
  { awaited, registryConfig: before, update, onFailure, ...options }: FollowerOptions,
): Follower {
  const { service: configured, discovery, missing, overrides } = followed;
  const ended = new AbortController();
  const members = createPortedMembers(followed.config?.default_servers ?? []);
  const membersPart = {};
  const overridesPart = {};
  /** Why a part of it cannot be followed, by the task that follows it. */
  const failures = new Map<Task, string>();
  const policy = policyOf(followed, options);
  if (overrides) members.moveTo(portIn(before));

  async function followMembers(signal: AbortSignal): Promise<void> {
    for await (const instances of discovery(signal)) {
      awaited.answered(membersPart);
      failures.delete(followMembers);
      members.list(instances);
      update((service) => ({ ...service, instances: members.current() }));
    }
    if (!signal.aborted) throw new Error('its discovery ended');
  }

  /** That there is no such place is an answer too, which changes no members. */
  async function followMissing(signal: AbortSignal): Promise<void> {
    for await (const reason of missing?.values(signal) ?? []) {
      awaited.answered(membersPart);
      failures.delete(followMissing);
      // This is an answer to its discovery too.
      failures.delete(followMembers);
      update((service) => (service.missing === reason ? service : { ...service, missing: reason }));
    }
  }

  async function followOverrides(signal: AbortSignal): Promise<void> {
    if (!overrides || !configured.own) return;
    for await (const { [policyKey]: said, ...change } of overrides(signal)) {
      policy?.use(said as RegistryPolicy | undefined);
      awaited.answered(overridesPart);
      failures.delete(followOverrides);
      const registryConfig = Object.keys(change).length === 0 ? undefined : change;
      const own = withOverrides(configured.own, change);
      const isMoved = members.moveTo(portIn(change));
      update((service) => {
        const policed = policy ? withPolicy(service, policy.current()) : service;
        if (!registryConfig && !service.registryConfig) return policed;
        const instances = isMoved ? members.current() : undefined;
        return { ...policed, own, registryConfig, ...(instances && { instances }) };
      });
    }
  }

  /** A part that fails is tried again; other services go on, and a start does not wait for it. */
  function follow(group: TaskGroup, part: object, task: Task): void {
    const { signal } = ended;
    const failed = (error: unknown) => {
      awaited.answered(part);
      const reason = messageOf(error);
      const isNews = failures.get(task) !== reason;
      failures.set(task, reason);
      onFailure(error, isNews);
    };
    group.add(
      keepRunning((own) => task(own), failed, signal),
      signal,
    );
  }

  return {
    followed,
    parts: overrides && configured.own ? [membersPart, overridesPart] : [membersPart],
    failure: () => {
      const reasons = new Set(failures.values());
      return reasons.size === 0 ? undefined : [...reasons].join('; ');
    },
    refusedPolicy: () => policy?.refused() ?? [],
    othersChanged: () => {
      if (policy?.again()) update((service) => withPolicy(service, policy.current()));
    },
    judgeBy: (judge) => {
      policy?.judgeBy(judge);
      update((service) =>
        !policy || isDeepStrictEqual(service.policy, policy.current().policy)
          ? service
          : withPolicy(service, policy.current()),
      );
    },
    begin: (group) => {
      follow(group, membersPart, followMembers);
      if (missing) follow(group, membersPart, followMissing);
      follow(group, overridesPart, followOverrides);
    },
    end: (reason) => {
      awaited.answered(membersPart);
      awaited.answered(overridesPart);
      ended.abort(reason);
    },
  };
}

/** The policy in force where its registry may say one. */
function policyOf(
  { service, judgePolicy: judge }: Followed,
  {
    registryPolicy: before,
    ...options
  }: Pick<FollowerOptions, 'registryPolicy' | 'others' | 'onRefused'>,
) {
  const configured = policedOf(service);
  return judge && createPolicyInForce({ judge, configured, before, ...options });
}
