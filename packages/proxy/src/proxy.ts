import type { Log, Metrics, PageView, Source, Tone } from '@smartstack/daemon';
import type { Gap, QueryReading } from '@smartstack/policy';
import type { Instance } from '@smartstack/registry';
import type { z } from 'zod';

import type { ClientFile } from './client-file.ts';
import type { ProxyDriver, ProxyStatus, Refused, ShownServer } from './driver.ts';
import type { MeasuredServer } from './measured.ts';
import type { ConfiguredService, Snapshot } from './service.ts';

/**
 * One kind of proxy: all that synapse's core knows of it. `Config` is its section at the top level,
 * `Own` that of a service, both as they are once read.
 */
export interface ProxyKind<Config = unknown, Own = unknown> {
  /** What its sections are called in files, and it in status, logs and metrics. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly config: ProxyConfig<Config, Own>;
  readonly view: ProxyView<Config, Own>;
  /** A driver, which touches no proxy before its first `apply`. */
  create(config: Config | undefined, deps: ProxyDeps): ConfigurableDriver<Config>;
  /** What a driver would do now; undefined where it would touch no proxy. Touches nothing itself. */
  preview(
    config: Config | undefined,
    snapshot: Snapshot,
    signal: AbortSignal,
  ): Promise<Preview | undefined>;
  /** Files for applications that need no proxy. */
  readonly clientFiles?: readonly ClientFile<Config, Own>[];
}

export interface ProxyDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A driver whose configuration can be another one while it runs. */
export interface ConfigurableDriver<Config> extends ProxyDriver {
  /**
   * Uses another configuration from the next `apply` on, which is asked for. Answers the keys that stay as
   * they were until a restart, because they say which proxy it is.
   */
  configure(config: Config | undefined): readonly string[];
}

/** What is wrong with keys that are each right, and where. */
export type Problem = readonly [path: readonly (string | number)[], message: string];

/** A proxy's sections in synapse's files, and in the registry. */
export interface ProxyConfig<Config, Own> {
  readonly keys: {
    /** The top-level key as it is written, for the reference and the JSON Schema; and as it is read. */
    readonly written: z.ZodOptional<z.ZodType>;
    readonly read: z.ZodOptional<z.ZodType<Config>>;
    readonly service: z.ZodOptional<z.ZodType<Own>>;
  };
  /** Sections as an example of `defaults`. */
  readonly example: object;
  /** Whether the value at a path of keys is read by a program that has variables of its own. */
  isForeign(path: readonly (string | number)[]): boolean;
  /** Whether no proxy is to be run or touched, whatever services say. */
  isOff(config: Config | undefined): boolean;
  problems(
    config: Config | undefined,
    services: ReadonlyMap<string, ConfiguredService<Own>>,
  ): readonly Problem[];
  /** What is worth saying of files that are good, each with its place. */
  warnings(config: Config | undefined, source: Source): readonly string[];
  /** The port that a section gives every member, which synapse applies by itself, and the section without it. */
  takePort(own: Partial<Own>): {
    readonly port?: number | undefined;
    readonly own: Partial<Own>;
  };
  /** Whether a service with this section is left out, so that no route can lead to it. */
  isDisabled(own: Own): boolean;
  /** Words of a policy that it cannot do, and from which version on it can. */
  readonly gaps: readonly Gap[];
  /** How it reads the query of a request, where routes ask for parameters. */
  readonly queryReading: QueryReading;
  /** The version that would serve, by its section as it is written; undefined where that is not known. Never rejects. */
  versionOf(written: unknown): Promise<string | undefined>;
  /** The section with where apps connect, as the keys that all proxies share say it. */
  withAddress(
    own: Own | undefined,
    address: { readonly port?: number | undefined; readonly bind_address?: string | undefined },
  ): Own;
  /** How a section says that apps speak: by its own lines alone, or by those at the top level too. */
  protocolOf(
    own: Own | undefined,
    config: Config | undefined,
    from?: 'own' | 'all',
  ): 'http' | 'tcp' | undefined;
  /** Where the proxy listens for apps of a service; undefined where it does not, or not at a port. */
  listensAt(own: Own | undefined, config: Config | undefined): ListenAddress | undefined;
  /** The section of a copy that apps do not connect to, since two cannot share an address. */
  withoutAddress(own: Own): Own;
  readonly registry: RegistryKeys<Config>;
  /** What is run, in a sentence, for `check-config --explain`. */
  explain(config: Config | undefined, services: readonly (Own | undefined)[]): string;
  /** How apps reach a service, in a sentence. */
  explainService(own: Own | undefined, config: Config | undefined): string;
}

/** An address and port that a proxy listens at. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** What a registry may set in a service's section. */
export interface RegistryKeys<Config> {
  /** Whether all of it, rather than the harmless keys alone. */
  isTrusted(config: Config | undefined): boolean;
  /** The value of a key; or the reason why it is not taken. */
  parse(
    key: string,
    value: unknown,
    isTrusted: boolean,
  ): { readonly value: unknown } | { readonly reason: string };
  /** Which keys are taken, in a sentence, for the reference. */
  readonly description: string;
  /** What the log says when keys were refused. */
  readonly fix: string;
  /** What is worth saying of values that are good. */
  warnings(own: object): readonly string[];
}

/** What synapse would do for a snapshot, none of which was done. */
export interface Preview {
  /** Where the file that the proxy would run belongs, its text, and that of the one there; undefined where there is none. */
  readonly path: string;
  readonly text: string;
  readonly before: string | undefined;
  /** Commands for the proxy that runs, if its members are all that differs. */
  readonly commands: readonly string[];
  /** Why it would be started or reloaded; undefined when not. */
  readonly reload: string | undefined;
  /** What would be left out, and why. */
  readonly objections: readonly { readonly owner: string; readonly reason: string }[];
}

/** A server's state as the page shows it. */
export interface ServerState {
  readonly state: string;
  readonly tone: Tone;
  readonly since?: number | undefined;
  /** When it ends by itself. */
  readonly until?: number | undefined;
  readonly reason?: string | undefined;
}

/** Whether a server gets requests, gets none any more because it left, or for other reasons; or nobody knows. */
export type StateMeaning = 'up' | 'leaving' | 'down' | 'unknown';

/** What exactly a proxy counts as a request and an error, and averages. */
export interface TrafficHints {
  readonly requests: string;
  readonly errors: string;
  readonly average: string;
  /** And what the percentiles are of, where a service's answers are counted by how long they took. */
  readonly percentiles: string;
}

/** How people are shown what the proxy does. */
export interface ProxyView<Config, Own> {
  /** The name of a member's server in the driver's status. */
  serverName(member: Instance): string;
  /** What the page says of the plots of traffic. */
  readonly hints: TrafficHints;
  /** The page's facts about the proxy itself. */
  facts(status: ProxyStatus): PageView['facts'];
  /** Where apps reach a service; undefined where this proxy does not serve it. */
  placeOf(own: Own | undefined, config: Config | undefined): string | undefined;
  /** What the proxy makes of a server; `shown` is what its driver says, `measured` the proxy itself. */
  stateOf(shown: ShownServer | undefined, measured: MeasuredServer | undefined): ServerState;
  /** What a state means, of the driver's status or of `stateOf`. */
  meaningOf(state: string): StateMeaning;
  /**
   * The sections of the proxy's own file that it makes of one service of a snapshot, without members; none where
   * it does not serve it. Touches nothing.
   */
  policy(
    service: string,
    config: Config | undefined,
    snapshot: Snapshot,
  ): Promise<readonly Directives[]>;
  /** The same in `explain`: whether a member gets there at all, and what becomes of it. */
  explain(member: ExplainedServer<Own>): { readonly served: boolean; readonly why: string };
}

/** A section of a proxy's own file, in its own language. */
export interface Directives {
  readonly title: string;
  readonly lines: readonly string[];
}

/** What is known of a member and its proxy. */
export interface ExplainedServer<Own> {
  /** Its state in the driver's status; undefined where it is not there. */
  readonly state: string | undefined;
  readonly ejected: ShownServer['ejected'];
  readonly own: Own | undefined;
  readonly status: ProxyStatus;
  readonly refused: Refused | undefined;
}
