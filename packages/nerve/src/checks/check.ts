import { duration, type Mechanism, portKey, wholeNumber } from '@smartstack/daemon';
import { hostSchema } from '@smartstack/registry';
import { z } from 'zod';

import type { TtlReports } from './ttl-reports.ts';

/** One check of a service. */
export interface Check {
  /** Its name in messages. */
  readonly name: string;
  /**
   * Resolves when the service passed; rejects with what was attempted, on what, and why it failed.
   * Ends at once when the signal aborts, which it has not yet, and leaves nothing open.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** What a check takes from its service where its own configuration lacks it. */
export interface CheckDeps {
  readonly service: string;
  readonly host: string;
  readonly port: number;
  /** The configuration's folder; relative file names are resolved from it. */
  readonly directory: string;
  /** The reports that services send. */
  readonly ttlReports: TtlReports;
}

/**
 * `create` reads what the check needs (certificates, a client library, a user's module) and rejects when
 * it cannot: a configuration whose checks cannot be created is refused.
 */
export type CheckMechanism<Schema extends z.ZodType> = Mechanism<
  Check | Promise<Check>,
  CheckDeps,
  Schema
>;

/** What is wrong with one key of a check, found when it was created. */
export class CheckKeyError extends Error {
  readonly key: string;
  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A duration of at least so many milliseconds that fits a timer; milliseconds once parsed. */
export const spanFrom = (least: number) =>
  duration
    .refine((value) => value >= least && value <= longest, {
      error: ({ input }) =>
        `expected ${least / 1000} to ${longest / 1000} seconds, got ${Number(input) / 1000}`,
    })
    .meta({ minimum: least / 1000, maximum: longest / 1000 });

const longest = 86_400_000;

/** How long something may take. */
export const span = spanFrom(1);

export const hostKey = hostSchema;

/** The keys that every check has; the originals' default timeout is 0.1 seconds. */
export const commonKeys = (timeout = 0.1) => ({
  name: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'what messages call it',
      otherwise: '`<service> <type>-<host>:<port>`',
      examples: ['web health'],
    }),
  timeout: span.prefault(timeout).meta({
    description: "the whole check's deadline; a check that is not over by then has failed",
    examples: ['500ms'],
  }),
  rise: wholeNumber(1, 1000)
    .default(1)
    .meta({
      description:
        'passes in a row that bring it up. The first result after a start decides at once',
      examples: [2],
    }),
  fall: wholeNumber(1, 1000)
    .default(1)
    .meta({ description: 'failures in a row that bring it down', examples: [2] }),
});

/** The keys that a check over the network has besides. */
export const networkKeys = (timeout?: number) => ({
  ...commonKeys(timeout),
  host: hostKey.optional().meta({
    description: 'where it goes: an IPv4 or IPv6 address, or a name',
    otherwise: "the service's",
    examples: ['127.0.0.1'],
  }),
  port: portKey
    .optional()
    .meta({ description: 'where it goes', otherwise: "the service's", examples: [8080] }),
});

interface Named {
  readonly type: string;
  readonly name?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** Where a check goes: its own host and port, else its service's. */
export function targetOf({ host, port }: Named, service: CheckDeps): Target {
  return { host: host ?? service.host, port: port ?? service.port };
}

/** A check's name: its own, else the originals' `<service> <type>-<host>:<port>`. */
export function nameOf(config: Named, service: CheckDeps): string {
  return config.name ?? `${service.service} ${config.type}-${addressOf(targetOf(config, service))}`;
}

/** `host:port` as people read it, IPv6 in brackets. */
export function addressOf({ host, port }: Target): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
