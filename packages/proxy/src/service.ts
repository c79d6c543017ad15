import type { Locality, MergedPolicy, Policy, Protocol } from '@smartstack/policy';
import type { Instance } from '@smartstack/registry';

/** One followed service as the proxies are to serve it. */
export interface Service {
  readonly name: string;
  /** Its members; undefined while its discovery has not answered, which is not an empty list. */
  readonly instances: readonly Instance[] | undefined;
  /** Why it has no members, where its registry answered that there is no such place. */
  readonly missing?: string;
  /** What to serve while `instances` is undefined and the proxy holds no members of its own. */
  readonly defaults: readonly Instance[];
  /** Whether `defaults` are the members of an earlier run rather than configured ones. */
  readonly stale?: boolean;
  /** Equal for two configurations that find the same members. */
  readonly identity?: string;
  /** How near its members are, if the proxy is to decide when farther ones serve. */
  readonly locality?: Locality;
  /** How apps and members speak; tcp where it is not said. */
  readonly protocol?: Protocol;
  /** What is in force for its traffic, where something asks for a policy. */
  readonly policy?: MergedPolicy;
  /** How each proxy is to serve it, by the proxy's name; one that is not to is absent. */
  readonly own?: Readonly<Record<string, unknown>>;
  /** The proxy that listens at its address, too, until this one does: the address is not another's. */
  readonly takenFrom?: string;
  /** What its registry sets in these sections, where it sets something. */
  readonly registryConfig?: Readonly<Record<string, object>> | undefined;
  /** What its registry says of its traffic, where that is in force: a part of `policy`. */
  readonly registryPolicy?: Policy;
  /** Whether that is what it said in an earlier run, and it has not answered since. */
  readonly stalePolicy?: boolean;
  /** Whether its members are written as a file, where those of others are; absent for yes. */
  readonly fileOutput?: boolean;
  /** Where it is configured, for messages: `file:line:col`. */
  readonly origin: string;
}

/** A service as it is configured. */
export interface ConfiguredService<Own> {
  readonly own?: Own | undefined;
  readonly locality?: Locality | undefined;
  /** What is in force for its traffic, where something asks for a policy. */
  readonly policy?: MergedPolicy | undefined;
  readonly protocol: Protocol;
  /** The services that it stands for: itself, or the copies of a load test. */
  readonly copies: readonly { readonly name: string; readonly own?: Own | undefined }[];
}

/** The whole desired state, by service name; never changed once made. */
export type Snapshot = ReadonlyMap<string, Service>;

/**
 * Whether its registry has not answered yet. That there is no such place is an answer, unless members of an earlier
 * run are served: these may come back.
 */
export function isUnanswered({ instances, missing, stale = false }: Service): boolean {
  return instances === undefined && (missing === undefined || stale);
}
