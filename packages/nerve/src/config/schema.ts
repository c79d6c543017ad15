import {
  duration,
  filePath,
  portKey,
  schemaKey,
  serviceConfDir,
  statusAddress,
  wholeNumber,
} from '@smartstack/daemon';
import { registrySchema, zooKeeperSchema } from '@smartstack/registry';
import { z } from 'zod';
import { keyOfPlace } from '../announce/reporters/reporter.ts';
import {
  placeOf,
  reporterKeys,
  reporterProblems,
  reporterTypes,
} from '../announce/reporters/table.ts';
import { hostKey, span, spanFrom } from '../checks/check.ts';
import { checkSchema } from '../checks/table.ts';

/** Flapping services are held down with a growing delay; false for never. */
const flapDamping = z.union([
  z.literal(false),
  z
    .strictObject({
      changes: wholeNumber(1, 10_000)
        .default(10)
        .meta({
          description: 'more than so many changes within `window` are flapping',
          examples: [4],
        }),
      window: span.prefault(60).meta({
        description: 'the time within which changes are counted',
        examples: ['2m'],
      }),
      hold: span.prefault(5).meta({
        description: 'how long coming up is held back then, each time twice as long',
        examples: ['10s'],
      }),
      max_hold: span.prefault(300).meta({
        description: 'and no longer than this',
        examples: ['10m'],
      }),
    })
    .transform(({ max_hold: maxHold, ...limits }) => ({ ...limits, maxHold })),
]);

/** As in the originals, but leaving is never delayed: only announcements are limited. */
const rateLimiting = z
  .strictObject({
    shadow_mode: z.boolean().default(true).meta({
      description: 'only counts and logs what would have been delayed',
    }),
    average_rate: z
      .number()
      .min(0)
      .default(Number.POSITIVE_INFINITY)
      .meta({
        description: 'announcements a second',
        otherwise: 'unlimited',
        examples: [1],
      }),
    max_burst: z
      .number()
      .min(1)
      .default(Number.POSITIVE_INFINITY)
      .meta({
        description: 'announcements at once',
        otherwise: 'unlimited',
        examples: [10],
      }),
  })
  .transform((keys) => ({
    shadow: keys.shadow_mode,
    averageRate: keys.average_rate,
    maxBurst: keys.max_burst,
  }));

export const defaultDamping = flapDamping.parse({});

/** Keys at the top for all services, which a service may have too. */
const policyKeys = {
  flap_damping: flapDamping.optional().meta({
    description:
      'holds a flapping service back: coming up is delayed, leaving never is. `false`: never. Also per service',
    otherwise: 'on, as below',
    examples: [false],
  }),
  start_grace: duration.optional().meta({
    description: "for how long after nerve's start failures do not count",
    default: 0,
    examples: ['30s'],
  }),
};

export const serviceSchema = z.strictObject({
  host: hostKey.meta({
    description: 'the address that other machines reach it at; also where it is checked',
    examples: ['10.0.0.1'],
  }),
  port: portKey.meta({ description: 'the port that it listens on', examples: [3000] }),
  reporter_type: z.enum(reporterTypes).optional().meta({
    description: 'where it is announced',
    otherwise: '`registry.type`, else `zookeeper`',
  }),
  ...reporterKeys,
  check_interval: spanFrom(10)
    .prefault(0.5)
    .meta({
      description: 'how often each check starts',
      examples: ['2s'],
    }),
  checks: z
    .array(checkSchema)
    .default([])
    .meta({
      description: 'all must pass; with none the service is announced as long as nerve runs',
      examples: [[{ type: 'http', uri: '/health' }]],
    }),
  weight: wholeNumber(0, 1_000_000)
    .optional()
    .meta({ description: 'announced, for proxies that use weights', examples: [10] }),
  warmup: span.optional().meta({
    description:
      'how long the announced `weight` takes to grow, in ten steps, after the service came up',
    otherwise: 'at once',
    examples: ['1m'],
  }),
  labels: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .optional()
    .meta({
      description: 'announced, for filters (`label_filters` of synapse)',
      examples: [{ zone: 'a' }],
    }),
  haproxy_server_options: z
    .string()
    .max(4096)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'expected one line of server options' })
    .optional()
    .meta({
      description:
        'words for a proxy’s server line, announced; synapse lets only known ones through',
      examples: ['maxconn 100'],
    }),
  flap_damping: flapDamping.optional().meta({
    description: 'as at the top level, for this service',
    otherwise: "the top level's",
    examples: [false],
    leaf: true,
  }),
  start_grace: duration.optional().meta({
    description: "for how long after nerve's start failures do not count",
    otherwise: "the top level's",
    examples: ['30s'],
  }),
  rate_limiting: rateLimiting.optional().meta({
    description: 'limits how often it is announced; leaving is never limited',
    otherwise: 'unlimited',
    examples: [{ shadow_mode: false, average_rate: 1, max_burst: 10 }],
  }),
  check_mocked: z.boolean().default(false).meta({
    description: 'for load tests: every check passes',
  }),
  load_test_concurrency: wholeNumber(1, 10_000)
    .optional()
    .meta({
      description: 'for load tests: so many copies are announced, as `<name>_0` and on',
      otherwise: 'one, under its own name',
      examples: [100],
    }),
});

/** nerve's configuration as it is written. */
export const configSchema = z
  .strictObject({
    $schema: schemaKey('nerve'),
    instance_id: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x21-\x2e\x30-\x7e]*$/, {
        error: 'expected ASCII text without spaces and slashes',
      })
      .meta({
        description:
          "this machine's name in the registry. `-i` and `NERVE_INSTANCE_ID` win over it, or stand in for it",
        otherwise: 'required',
        examples: ['web-1'],
      }),
    services: z.record(z.string(), serviceSchema).meta({
      description: 'what runs here, by name',
      otherwise: 'required, or `service_conf_dir`',
      examples: [{ web: { host: '10.0.0.1', port: 3000, zk_path: '/services/web' } }],
    }),
    service_conf_dir: serviceConfDir,
    zookeeper: zooKeeperSchema.optional(),
    registry: registrySchema.optional(),
    ...policyKeys,
    status_address: statusAddress.prefault('127.0.0.1:9103').meta({
      description:
        'where the page (`/`), `/health`, `/ready`, `/metrics` and `/status` are served, or `false` for nowhere',
      examples: [false],
    }),
    state_directory: z
      .union([z.literal(false), filePath])
      .optional()
      .meta({
        description:
          "the socket for commands, the sessions that a next nerve takes over, and operators' orders; `false` for none",
        otherwise:
          "systemd's `$STATE_DIRECTORY`, else `/var/lib/nerve`; for a user `~/.local/state/nerve`",
        examples: ['/srv/nerve'],
      }),
    drain: duration.prefault(0).meta({
      description: 'how long nerve stays on after SIGTERM once everything is withdrawn',
      examples: ['5s'],
    }),
    heartbeat_path: filePath.optional().meta({
      description: 'a file that is touched every 5 s while nerve works',
      examples: ['/run/nerve/heartbeat'],
    }),
    statsd: z
      .strictObject({
        host: hostKey
          .default('localhost')
          .meta({ description: 'where statsd listens', examples: ['10.0.0.9'] }),
        port: portKey.default(8125).meta({ description: 'its UDP port', examples: [9125] }),
      })
      .optional()
      .meta({
        description: "counters in the originals' names, over UDP",
        otherwise: 'none',
        examples: [{ host: 'localhost' }],
      }),
    max_repeated_report_failures: wholeNumber(1, 1_000_000)
      .optional()
      .meta({
        description: "taken from the originals' files, without effect: nerve never gives up",
        examples: [10],
        deprecated: true,
      }),
  })
  .meta({ required: [], anyOf: [{ required: ['services'] }, { required: ['service_conf_dir'] }] })
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
