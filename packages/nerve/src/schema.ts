import { duration, statusAddress } from '@smartstack/daemon';
import { registrySchema, zooKeeperSchema } from '@smartstack/registry';
import { z } from 'zod';

import { hostKey, portKey, span, spanFrom, wholeNumber } from './checks/check.ts';
import { checkSchema } from './checks/table.ts';
import { keyOfPlace } from './reporters/reporter.ts';
import { placeOf, reporterKeys, reporterProblems, reporterTypes } from './reporters/table.ts';

/** Flapping services are held down with a growing delay; false for never. */
const flapDamping = z.union([
  z.literal(false),
  z
    .strictObject({
      changes: wholeNumber(1, 10_000).default(10),
      window: span.prefault(60),
      hold: span.prefault(5),
      max_hold: span.prefault(300),
    })
    .transform(({ max_hold: maxHold, ...limits }) => ({ ...limits, maxHold })),
]);

/** As in the originals, but leaving is never delayed: only announcements are limited. */
const rateLimiting = z
  .strictObject({
    /** Only counts and logs what would have been delayed. */
    shadow_mode: z.boolean().default(true),
    /** Announcements a second. */
    average_rate: z.number().min(0).default(Number.POSITIVE_INFINITY),
    max_burst: z.number().min(1).default(Number.POSITIVE_INFINITY),
  })
  .transform((keys) => ({
    shadow: keys.shadow_mode,
    averageRate: keys.average_rate,
    maxBurst: keys.max_burst,
  }));

export const defaultDamping = flapDamping.parse({});

/** Keys that may stand at the top, for all services, and in a service. */
const policyKeys = {
  flap_damping: flapDamping.optional(),
  /** For how long after the start failures do not count. */
  start_grace: duration.optional(),
};

const serviceSchema = z.strictObject({
  /** The address that other machines reach the service at; also where it is checked. */
  host: hostKey,
  port: portKey,
  reporter_type: z.enum(reporterTypes).optional(),
  ...reporterKeys,
  /** How often each check starts. */
  check_interval: spanFrom(10).prefault(0.5),
  /** All must pass; a service without checks is announced for as long as nerve runs. */
  checks: z.array(checkSchema).default([]),
  ...policyKeys,
  rate_limiting: rateLimiting.optional(),
  /** How long the announced weight takes to grow to its full size after the service came up. */
  warmup: span.optional(),
  /** For load tests: every check passes, and so many copies are announced. */
  check_mocked: z.boolean().default(false),
  load_test_concurrency: wholeNumber(1, 10_000).optional(),
  weight: wholeNumber(0, 1_000_000).optional(),
  labels: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .optional(),
  haproxy_server_options: z
    .string()
    .max(4096)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'expected one line of server options' })
    .optional(),
});

/** nerve's configuration as it is written. */
export const configSchema = z
  .strictObject({
    /** This machine's name in the registry. */
    instance_id: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x21-\x2e\x30-\x7e]*$/, {
        error: 'expected ASCII text without spaces and slashes',
      }),
    zookeeper: zooKeeperSchema.optional(),
    registry: registrySchema.optional(),
    service_conf_dir: z.string().optional(),
    services: z.record(z.string(), serviceSchema),
    ...policyKeys,
    /** Where `/health /ready /metrics /status` are served; false for nowhere. */
    status_address: statusAddress.default({ host: '127.0.0.1', port: 9103 }),
    /** Where nerve keeps what outlives it; false for nowhere. */
    state_directory: z.union([z.literal(false), z.string().min(1)]).optional(),
    /** How long nerve stays on after it has withdrawn everything. */
    drain: duration.prefault(0),
    /** A file that is touched every few seconds while nerve works. */
    heartbeat_path: z.string().min(1).optional(),
    statsd: z
      .strictObject({ host: z.string().default('localhost'), port: portKey.default(8125) })
      .optional(),
    /** Taken for the originals' sake; nerve never gives up on a registry. */
    max_repeated_report_failures: wholeNumber(1, 1_000_000).optional(),
  })
  .superRefine(
    (config, context) => {
      for (const [path, message] of incompleteServices(config))
        context.addIssue({ code: 'custom', path: [...path], message, input: undefined });
    },
    // Found beside what is wrong with single keys, not only once nothing is.
    { when: () => true },
  )
  .superRefine((config, context) => {
    for (const [path, message] of [...collisions(config), ...weightless(config)])
      context.addIssue({ code: 'custom', path: [...path], message, input: undefined });
  });

export type ParsedConfig = z.output<typeof configSchema>;
export type ParsedService = ParsedConfig['services'][string];

type Problem = readonly [path: readonly string[], message: string];

/** Single keys may still be wrong here: nothing about their types is sure. */
function incompleteServices(config: ParsedConfig): readonly Problem[] {
  if (!isRecord(config) || !isRecord(config.services)) return [];
  return Object.entries(config.services)
    .filter(([, service]) => isRecord(service))
    .flatMap(([name, service]) =>
      Object.entries(reporterProblems(service, config)).map(
        ([key, message]): Problem => [['services', name, key], message],
      ),
    );
}

/** Two services that announce the same address at one place would hide each other: each is told of the other. */
function collisions(config: ParsedConfig): readonly Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(config.services).flatMap(([name, service]): readonly Problem[] => {
    const place = placeOf(name, service, config);
    const { host, port } = service;
    const key = JSON.stringify([keyOfPlace(place), host.toLowerCase(), port]);
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, name);
    const problem = (of: string, other: string): Problem => [
      ['services', of, 'port'],
      `services.${other} announces ${host}:${port} at ${place.path} as well`,
    ];
    return owner === undefined ? [] : [problem(owner, name), problem(name, owner)];
  });
}

/** A weight that is not announced cannot grow. */
function weightless({ services }: ParsedConfig): readonly Problem[] {
  return Object.entries(services)
    .filter(([, { warmup, weight = 0 }]) => warmup !== undefined && weight < 2)
    .map(([name]) => [['services', name, 'warmup'], 'needs a weight of 2 or more that can grow']);
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
